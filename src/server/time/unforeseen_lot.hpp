// Random choices that nobody can predict, at the price of a system call for 256 of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ftpc::server {

class UnforeseenLot {
public:
    // True in a quarter of all cases.
    bool one_of_four();

private:
    static constexpr std::size_t lots_of_byte = 4;

    std::array<std::uint8_t, 64> random_{};
    std::size_t used_ = lots_of_byte * sizeof random_; // lots
};

} // namespace ftpc::server
