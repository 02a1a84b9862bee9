#include "shared/terminal/safe_streams.hpp"

#include "shared/base/text.hpp"

#include <algorithm>
#include <iostream>
#include <utility>

namespace ftpc {

namespace {

constexpr std::size_t most_pending_bytes = 16384;

// How many bytes at the end of `text` may be the beginning of a character whose rest is still to come.
std::size_t bytes_of_begun_character(std::string_view text)
{
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if ((byte & 0xC0U) == 0x80) continue;
        const std::size_t wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return back < wanted ? back : 0;
    }
    return 0;
}

// Never taken apart: what is written while the program ends must still go through it.
void escape(std::ostream& stream)
{
    stream.rdbuf(new EscapingBuffer{*stream.rdbuf()}); // NOLINT(cppcoreguidelines-owning-memory)
}

} // namespace

void escape_standard_streams()
{
    // protection: safe-streams
    for (std::ostream* stream : {&std::cout, &std::cerr})
        escape(*stream);
}

void put_sequence(std::ostream& stream, std::string_view sequence)
{
    auto* const escaping = dynamic_cast<EscapingBuffer*>(stream.rdbuf());
    if (escaping == nullptr)
        stream << sequence;
    else if (!escaping->put_sequence(sequence))
        stream.setstate(std::ios::badbit);
}

bool EscapingBuffer::put_sequence(std::string_view sequence)
{
    const bool written = write_whole_characters() && write(std::exchange(pending_, {}));
    return written && target_.sputn(sequence.data(), static_cast<std::streamsize>(sequence.size())) ==
                          static_cast<std::streamsize>(sequence.size());
}

EscapingBuffer::~EscapingBuffer()
{
    write_whole_characters();
    write(pending_);
    target_.pubsync();
}

std::streambuf::int_type EscapingBuffer::overflow(int_type c)
{
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
}

std::streamsize EscapingBuffer::xsputn(const char* text, std::streamsize bytes)
{
    pending_.append(text, static_cast<std::size_t>(bytes));
    return pending_.size() < most_pending_bytes || write_whole_characters() ? bytes : 0;
}

int EscapingBuffer::sync()
{
    return write_whole_characters() && target_.pubsync() == 0 ? 0 : -1;
}

bool EscapingBuffer::write(std::string_view text)
{
    const std::string safe = printable_lines(text);
    return target_.sputn(safe.data(), static_cast<std::streamsize>(safe.size())) ==
           static_cast<std::streamsize>(safe.size());
}

bool EscapingBuffer::write_whole_characters()
{
    const std::size_t whole = pending_.size() - bytes_of_begun_character(pending_);
    const bool written = write(std::string_view{pending_}.substr(0, whole));
    pending_.erase(0, whole);
    return written;
}

} // namespace ftpc
