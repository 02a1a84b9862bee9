// An exchange over a Stream that any string of bytes lays down; for tests and the fuzz
// target.
#pragma once

#include "server/transport/tls/stream_driver.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ftpc::test {

inline std::string text_of(std::size_t bytes, std::size_t seed)
{
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i)
        text[i] = static_cast<char>(i * 31 + i / 251 + seed);
    return text;
}

class Exchange {
public:
    // `first`: small buffers on the way or large ones, and how the handshake is cut.
    explicit Exchange(unsigned char first) : driver_{first % 2 == 0 ? std::optional{2048} : std::nullopt}
    {
        if (!driver_.start_tls(1 + first)) throw std::runtime_error{"the handshake failed"};
        driver_.reply = [this] {
            const std::string text =
                text_of(std::min(reply_bytes_, most_bytes - by_server_.size()), by_server_.size());
            by_server_ += text;
            return text;
        };
    }

    // A byte of the input: three bits for the action, five bits for its size.
    void step(unsigned char choice)
    {
        const std::size_t amount = choice >> 3U;
        switch (choice & 7U) {
        case 0:
            client_writes(1 + amount * 13);
            break;
        case 1:
            client_writes(1 + amount * amount * amount);
            break;
        case 2:
            driver_.send(1 + amount);
            break;
        case 3:
            driver_.send(amount * 700);
            break;
        case 4:
            if (++new_keys_ < most_new_keys) driver_.client.update_key(amount % 2 == 0);
            break;
        case 5:
            reply_bytes_ = amount * amount * 20;
            break;
        case 6:
            client_reads();
            break;
        default:
            driver_.reads = 1 + amount * 150;
            break;
        }
    }

    // Carries all to its end. Throws if either side has not got the other's bytes.
    void finish()
    {
        std::size_t before = 0;
        do {
            before = driver_.left_to_send();
            driver_.send(StreamDriver::everything);
        } while (client_reads() > 0 || driver_.left_to_send() != before);
        if (driver_.ended)
            throw std::runtime_error{"the server ended: " + driver_.ended->message() + ", " +
                                     driver_.stream().tls_error()};
        if (driver_.received != by_client_) throw std::runtime_error{"the server got something else"};
        if (to_client_ != by_server_) throw std::runtime_error{"the client got something else"};
    }

private:
    static constexpr std::size_t most_bytes = std::size_t{128} * 1024; // each way: it is to end soon
    static constexpr std::size_t most_new_keys =
        500; // of 36 bytes or so: the server allows 64 KiB without data

    void client_writes(std::size_t bytes)
    {
        const std::string text = text_of(std::min(bytes, most_bytes - by_client_.size()), by_client_.size());
        driver_.client.write(text);
        by_client_ += text;
    }

    std::size_t client_reads()
    {
        const std::size_t carried = driver_.carry_to_client();
        to_client_ += driver_.client.read();
        return carried;
    }

    StreamDriver driver_;
    std::string by_client_;
    std::string by_server_;
    std::string to_client_;
    std::size_t reply_bytes_ = 0;
    std::size_t new_keys_ = 0;
};

inline void exchange(std::string_view choices)
{
    if (choices.empty()) return;
    Exchange exchange{static_cast<unsigned char>(choices.front())};
    for (const char choice : choices.substr(1))
        exchange.step(static_cast<unsigned char>(choice));
    exchange.finish();
}

} // namespace ftpc::test
