// Memory for an operation that is begun again and again, mostly one at a time: a wait of Asio's takes new
// memory each time otherwise. It must outlive the loop, which has what was not finished until then.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace ftpc::server {

class ReusedBlock {
public:
    // An allocator for boost::asio::bind_allocator: the block, or new memory while somebody has that.
    template <class Value>
    class Allocator {
    public:
        using value_type = Value;

        explicit Allocator(ReusedBlock& block) : block_{&block} {}
        template <class Other>
        Allocator(const Allocator<Other>& other) : block_{other.block_} // converting, as allocators do
        {}

        Value* allocate(std::size_t count)
        {
            return static_cast<Value*>(block_->take(count * sizeof(Value)));
        }
        void deallocate(Value* memory, std::size_t) { block_->give_back(memory); }

        template <class Other>
        bool operator==(const Allocator<Other>& other) const
        {
            return block_ == other.block_;
        }

    private:
        template <class>
        friend class Allocator;
        ReusedBlock* block_;
    };

    Allocator<std::byte> allocator() { return Allocator<std::byte>{*this}; }

private:
    void* take(std::size_t bytes)
    {
        if (taken_) return ::operator new(bytes);
        if (bytes > bytes_) {
            block_ = std::make_unique<std::byte[]>(bytes);
            bytes_ = bytes;
        }
        taken_ = true;
        return block_.get();
    }

    void give_back(void* memory)
    {
        if (memory == block_.get())
            taken_ = false;
        else
            ::operator delete(memory);
    }

    std::unique_ptr<std::byte[]> block_;
    std::size_t bytes_ = 0;
    bool taken_ = false;
};

} // namespace ftpc::server
