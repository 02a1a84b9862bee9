#include "client/commands/listing_run.hpp"
#include "client/commands/listing_text.hpp"
#include "client/commands/subcommands.hpp"
#include "client/terminal/columns.hpp"
#include "client/terminal/dates.hpp"
#include "client/terminal/locale.hpp"
#include "client/terminal/safe_text.hpp"
#include "client/terminal/terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <optional>

namespace ftpc::client {

namespace {

std::string size_text(const Facts& facts)
{
    return facts.size ? std::to_string(*facts.size) : "-";
}

std::string spaces(std::size_t number)
{
    return std::string(number, ' ');
}

// Prints one listing after the other.
class Printer {
public:
    Printer(const LsOptions& options, const Output& output)
        : options_{options}, output_{output}, width_{terminal_width(STDOUT_FILENO)}, colours_{wants_colours(
                                                                                         options.colours)}
    {}

    void show(const std::string& given, ListingConversation& listing)
    {
        Listed& top = listing.top();
        arrange(top, options_.all);
        if (options_.common.json)
            show_json(std::string{listing.path().text()}, top);
        else if (top.is_directory())
            show_directory(given, top.children);
        else
            show_file(given, top.facts);
    }

private:
    void show_json(const std::string& path, const Listed& top) const
    {
        if (!top.is_directory()) output_.entry(path, top);
        for (const Listed& entry : top.children)
            output_.entry(joined(path, entry.name), entry);
    }

    // As ls(1) does: an empty line between blocks, and a heading if there are several paths.
    void show_directory(const std::string& given, const std::vector<Listed>& entries)
    {
        if (last_shown_ != Shown::nothing) std::cout << '\n';
        last_shown_ = Shown::directory;
        if (options_.paths.size() > 1) std::cout << safe_text(given) << ":\n";
        put(entries);
    }

    void show_file(const std::string& given, const Facts& facts)
    {
        if (last_shown_ == Shown::directory) std::cout << '\n';
        last_shown_ = Shown::file;
        put({Listed{given, facts, {}}});
    }

    void put(const std::vector<Listed>& entries) const
    {
        if (options_.long_form) return put_long(entries);
        if (width_) return put_columns(entries);
        for (const Listed& entry : entries) {
            put_name(std::cout, entry, colours_);
            std::cout << '\n';
        }
    }

    void put_long(const std::vector<Listed>& entries) const
    {
        std::size_t widest = 0;
        for (const Listed& entry : entries)
            widest = std::max(widest, size_text(entry.facts).size());
        for (const Listed& entry : entries) {
            const std::string size = size_text(entry.facts);
            // As long as the date and time of other entries.
            const std::string date =
                entry.facts.modified ? format_minute(*entry.facts.modified) : "?" + spaces(15);
            std::cout << mode_text(entry.facts) << "  " << spaces(widest - size.size()) << size << "  "
                      << date << "  ";
            put_name(std::cout, entry, colours_);
            std::cout << '\n';
        }
    }

    void put_columns(const std::vector<Listed>& entries) const
    {
        std::vector<std::size_t> widths;
        widths.reserve(entries.size());
        for (const Listed& entry : entries)
            widths.push_back(columns_of(shown_name(entry)));
        const ColumnLayout layout = lay_out_columns(widths, *width_);
        for (std::size_t row = 0; row < layout.rows; ++row) {
            for (std::size_t i = row; i < entries.size(); i += layout.rows) {
                put_name(std::cout, entries[i], colours_);
                const bool last = i + layout.rows >= entries.size();
                if (!last) std::cout << spaces(layout.widths[i / layout.rows] - widths[i] + column_gap);
            }
            std::cout << '\n';
        }
    }

    const LsOptions& options_;
    const Output& output_;
    std::optional<std::size_t> width_; // of the terminal; nothing if there is none
    bool colours_;
    enum class Shown { nothing, file, directory } last_shown_ = Shown::nothing;
};

} // namespace

ExitStatus ls(const LsOptions& options)
{
    use_locale_of_user();
    const Output output{options.common.json};
    Printer printer{options, output};
    return output.status_of(list_paths(
        options.common, options.paths, 1, output,
        [&](const std::string& given, ListingConversation& listing) { printer.show(given, listing); }));
}

} // namespace ftpc::client
