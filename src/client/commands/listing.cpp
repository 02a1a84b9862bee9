#include "client/commands/listing.hpp"

#include "client/terminal/locale.hpp"

#include <algorithm>

namespace ftpc::client {

void arrange(Listed& top, bool hidden)
{
    if (!hidden) std::erase_if(top.children, [](const Listed& entry) { return entry.name.starts_with('.'); });
    std::sort(top.children.begin(), top.children.end(),
              [](const Listed& a, const Listed& b) { return comes_before(a.name, b.name); });
    for (Listed& child : top.children)
        arrange(child, hidden);
}

std::string joined(const std::string& path, const std::string& name)
{
    return path.ends_with('/') ? path + name : path + '/' + name;
}

} // namespace ftpc::client
