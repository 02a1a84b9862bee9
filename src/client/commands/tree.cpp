#include "client/commands/listing_run.hpp"
#include "client/commands/listing_text.hpp"
#include "client/commands/subcommands.hpp"
#include "client/terminal/locale.hpp"
#include "client/terminal/safe_text.hpp"

#include <iostream>

namespace ftpc::client {

namespace {

// The lines between names.
struct Branches {
    const char* child;
    const char* last_child;
    const char* beside_child; // of what lies beneath it
    const char* beside_last_child;
};

constexpr Branches drawn{"├── ", "└── ", "│   ", "    "};
constexpr Branches ascii{"|-- ", "`-- ", "|   ", "    "};

std::string counted(std::size_t number, const char* one, const char* several)
{
    return std::to_string(number) + " " + (number == 1 ? one : several);
}

class Printer {
public:
    explicit Printer(const TreeOptions& options)
        : colours_{wants_colours(options.colours)}, branches_{has_utf8_locale() ? drawn : ascii}
    {}

    void show(const std::string& given, const Listed& top)
    {
        put_name(std::cout, {given, top.facts, {}}, colours_);
        std::cout << '\n';
        if (!top.is_directory()) ++files_;
        put_children(top, "");
        std::cout << '\n'
                  << counted(directories_, "directory", "directories") << ", "
                  << counted(files_, "file", "files") << '\n';
    }

private:
    void put_children(const Listed& directory, const std::string& before)
    {
        for (const Listed& child : directory.children) {
            const bool last = &child == &directory.children.back();
            std::cout << before << (last ? branches_.last_child : branches_.child);
            put_name(std::cout, child, colours_);
            std::cout << '\n';
            ++(child.is_directory() ? directories_ : files_);
            put_children(child, before + (last ? branches_.beside_last_child : branches_.beside_child));
        }
    }

    bool colours_;
    const Branches& branches_;
    std::size_t directories_ = 0; // without the top
    std::size_t files_ = 0;
};

void put_json(const Output& output, const std::string& path, const Listed& entry)
{
    for (const Listed& child : entry.children) {
        const std::string below = joined(path, child.name);
        output.entry(below, child);
        put_json(output, below, child);
    }
}

// Whether there is a directory so many levels down: its contents were not asked for.
bool reaches(const Listed& entry, unsigned levels)
{
    if (!entry.is_directory()) return false;
    if (levels == 0) return true;
    for (const Listed& child : entry.children)
        if (reaches(child, levels - 1)) return true;
    return false;
}

} // namespace

ExitStatus tree(const TreeOptions& options)
{
    use_locale_of_user();
    const Output output{options.common.json};
    constexpr unsigned most = ListingConversation::most_depth;
    const auto show = [&](const std::string& given, ListingConversation& listing) {
        arrange(listing.top(), options.all);
        const std::string path{listing.path().text()};
        if (!options.common.json)
            Printer{options}.show(given, listing.top());
        else if (listing.top().is_directory())
            put_json(output, path, listing.top());
        else
            output.entry(path, listing.top());
        if (!options.depth && reaches(listing.top(), most))
            output.note(given, "directories " + std::to_string(most) +
                                   " levels down are shown without their contents; list them by their paths");
    };
    return output.status_of(
        list_paths(options.common, {options.path}, options.depth.value_or(most), output, show));
}

} // namespace ftpc::client
