#include "server/listing/formats.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace ftpc::server {

namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;

constexpr std::size_t longest_text = 256; // of the facts or columns of an entry; they have at most 160 bytes
constexpr seconds recent = days{180};
constexpr seconds clock_skew = std::chrono::hours{1}; // so far ahead may the clock of a file system be
constexpr sys_seconds first_second = sys_days{year{0} / 1 / 1};
constexpr sys_seconds last_second = sys_days{year{10000} / 1 / 1} - seconds{1};

struct UtcTime {
    std::chrono::year_month_day date;
    std::chrono::hh_mm_ss<seconds> time;
};

UtcTime utc_time(std::int64_t since_1970)
{
    const sys_seconds point = std::clamp(sys_seconds{seconds{since_1970}}, first_second, last_second);
    const auto day = std::chrono::floor<days>(point);
    return {std::chrono::year_month_day{day}, std::chrono::hh_mm_ss<seconds>{point - day}};
}

// Gathers a short text without an allocation; a listing does so for each of its entries.
class ShortText {
public:
    ShortText& put(std::string_view text)
    {
        end_ = std::copy(text.begin(), text.end(), end_);
        return *this;
    }
    ShortText& put(char c) { return put({&c, 1}); }
    ShortText& number(std::uint64_t value, int base = 10)
    {
        end_ = std::to_chars(end_, bytes_.data() + bytes_.size(), value, base).ptr;
        return *this;
    }
    // At least `width` characters, with `fill` before the digits.
    ShortText& number_in(std::size_t width, std::uint64_t value, char fill, int base = 10)
    {
        std::array<char, 24> digits; // NOLINT(cppcoreguidelines-pro-type-member-init)
        const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
        const auto count = static_cast<std::size_t>(end - digits.data());
        end_ = std::fill_n(end_, width > count ? width - count : 0, fill);
        return put({digits.data(), count});
    }
    ShortText& two_digits(unsigned value) { return number_in(2, value, '0'); }
    void append_to(std::string& out) const
    {
        out.append(bytes_.data(), static_cast<std::size_t>(end_ - bytes_.data()));
    }

private:
    std::array<char, longest_text> bytes_; // NOLINT(cppcoreguidelines-pro-type-member-init): filled as needed
    char* end_ = bytes_.data();
};

void put_time_value(ShortText& text, std::int64_t since_1970)
{
    const UtcTime utc = utc_time(since_1970);
    text.number_in(4, static_cast<unsigned>(static_cast<int>(utc.date.year())), '0')
        .two_digits(static_cast<unsigned>(utc.date.month()))
        .two_digits(static_cast<unsigned>(utc.date.day()))
        .two_digits(static_cast<unsigned>(utc.time.hours().count()))
        .two_digits(static_cast<unsigned>(utc.time.minutes().count()))
        .two_digits(static_cast<unsigned>(utc.time.seconds().count()));
}

// RFC 3659 §7.5.1: what is neither a file nor a directory has the name of an operating system before it.
std::string_view type_text(const Entry& entry)
{
    if (entry.kind == EntryKind::directory) return "dir";
    if (entry.kind == EntryKind::file) return "file";
    if (S_ISFIFO(entry.mode)) return "OS.unix=fifo";
    if (S_ISSOCK(entry.mode)) return "OS.unix=socket";
    return S_ISBLK(entry.mode) ? "OS.unix=block" : "OS.unix=character";
}

char type_letter(std::uint32_t mode)
{
    if (S_ISDIR(mode)) return 'd';
    if (S_ISFIFO(mode)) return 'p';
    if (S_ISSOCK(mode)) return 's';
    if (S_ISBLK(mode)) return 'b';
    return S_ISCHR(mode) ? 'c' : '-';
}

// "rwx" of three bits; with the bit above them, set-user-ID for example, an `s` or `t` instead of the `x`.
void put_permissions(ShortText& text, std::uint32_t bits, bool special, char letter)
{
    const bool executable = (bits & 1U) != 0;
    text.put((bits & 4U) != 0 ? 'r' : '-').put((bits & 2U) != 0 ? 'w' : '-');
    if (special)
        text.put(executable ? letter : static_cast<char>(letter - 'a' + 'A'));
    else
        text.put(executable ? 'x' : '-');
}

void put_mode(ShortText& text, std::uint32_t mode)
{
    text.put(type_letter(mode));
    put_permissions(text, mode >> 6U & 7U, (mode & S_ISUID) != 0, 's');
    put_permissions(text, mode >> 3U & 7U, (mode & S_ISGID) != 0, 's');
    put_permissions(text, mode & 7U, (mode & S_ISVTX) != 0, 't');
}

void put_date(ShortText& text, std::int64_t since_1970, std::int64_t now)
{
    constexpr std::array<std::string_view, 12> months{"Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ",
                                                      "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec "};
    const UtcTime utc = utc_time(since_1970);
    text.put(months[static_cast<unsigned>(utc.date.month()) - 1])
        .number_in(2, static_cast<unsigned>(utc.date.day()), ' ');
    if (since_1970 >= now - recent.count() && since_1970 <= now + clock_skew.count())
        text.put(' ')
            .two_digits(static_cast<unsigned>(utc.time.hours().count()))
            .put(':')
            .two_digits(static_cast<unsigned>(utc.time.minutes().count()));
    else
        text.put("  ").number_in(4, static_cast<unsigned>(static_cast<int>(utc.date.year())), '0');
}

} // namespace

void append_time_value(std::string& out, std::int64_t seconds)
{
    ShortText text;
    put_time_value(text, seconds);
    text.append_to(out);
}

void append_facts(std::string& out, const Entry& entry, FactSet facts)
{
    const bool directory = entry.kind == EntryKind::directory;
    ShortText text;
    if (facts.has(Fact::type)) text.put("type=").put(type_text(entry)).put(';');
    if (facts.has(Fact::size) && !directory) text.put("size=").number(entry.size).put(';');
    if (facts.has(Fact::modify)) {
        text.put("modify=");
        put_time_value(text, entry.modified);
        text.put(';');
    }
    if (facts.has(Fact::perm)) text.put(directory ? "perm=elm;" : "perm=;");
    if (facts.has(Fact::unique))
        text.put("unique=").number(entry.device, 16).put(':').number(entry.inode, 16).put(';');
    if (facts.has(Fact::unix_mode)) text.put("unix.mode=").number_in(4, entry.mode & 07777U, '0', 8).put(';');
    text.append_to(out);
}

void append_list_columns(std::string& out, const Entry& entry, std::int64_t now)
{
    ShortText text;
    put_mode(text, entry.mode);
    text.put(' ').number_in(4, entry.links, ' ').put(" ftp      ftp      ").number_in(12, entry.size, ' ');
    text.put(' ');
    put_date(text, entry.modified, now);
    text.put(' ').append_to(out);
}

} // namespace ftpc::server
