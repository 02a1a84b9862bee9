// Standard output and standard error of a program that people read.
#pragma once

#include <iosfwd>
#include <streambuf>
#include <string>
#include <string_view>

namespace ftpc {

// From now on std::cout and std::cerr escape all that they get as printable_lines() does. So no name or path
// can harm a terminal, or turn around or hide its neighbours. To be called once, before anything is written.
void escape_standard_streams();

// Writes `sequence`, which gives the terminal a colour, to `stream` as it is and in its place. Never for text
// from outside.
void put_sequence(std::ostream& stream, std::string_view sequence);

// The buffer of such a stream. It writes to `target` at a flush, at its end, and if it holds much text.
// Before its end it never writes a part of a character.
class EscapingBuffer final : public std::streambuf {
public:
    explicit EscapingBuffer(std::streambuf& target) : target_{target} {}
    EscapingBuffer(const EscapingBuffer&) = delete;
    EscapingBuffer& operator=(const EscapingBuffer&) = delete;
    ~EscapingBuffer() override;

    // Writes `sequence` as it is behind all text so far. False if that fails.
    bool put_sequence(std::string_view sequence);

protected:
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* text, std::streamsize bytes) override;
    int sync() override;

private:
    bool write(std::string_view text);
    bool write_whole_characters();

    std::streambuf& target_;
    std::string pending_;
};

} // namespace ftpc
