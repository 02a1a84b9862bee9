// The directories whose entries must be on disk before a reply is sent. Few descriptors are held for any
// number of them.
#pragma once

#include "server/storage/open_directory.hpp"

#include <boost/container/small_vector.hpp>

#include <cstddef>
#include <initializer_list>

namespace ftpc::server {

class Parents {
public:
    struct Entry {
        Directory directory;
        bool whole = false; // it stands for all of its file system
        friend bool operator==(const Entry&, const Entry&) = default;
    };
    static constexpr std::size_t most_of_session = 8;

    Parents() = default;
    Parents(std::initializer_list<Directory> parents)
    {
        for (const Directory& parent : parents)
            add(parent);
    }
    friend bool operator==(const Parents&, const Parents&) = default;

    // More than `most` different ones (1 or more) become their file systems as a whole, as far as those can
    // be synced so. One directory stands for each.
    void add(const Directory& parent, std::size_t most = most_of_session);
    void add(const Parents& others, std::size_t most = most_of_session);

    // More than `most` although nothing can stand for them: to be synced before others are added.
    bool is_full(std::size_t most = most_of_session) const { return entries_.size() > most; }

    bool empty() const { return entries_.empty(); }
    std::size_t size() const { return entries_.size(); }
    void clear() { entries_.clear(); }
    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }

    // Takes out those for which `which` is true.
    template <class Which>
    Parents take_if(Which which)
    {
        Parents taken;
        Entries left;
        for (Entry& entry : entries_)
            (which(entry) ? taken.entries_ : left).push_back(std::move(entry));
        entries_ = std::move(left);
        return taken;
    }

private:
    using Entries = boost::container::small_vector<Entry, 1>; // no allocation for a plain MKD
    bool has_whole(dev_t device) const;
    void push(const Entry& entry, std::size_t most);
    void forget_repeated();
    void take_wholes();
    Entries entries_;
};

} // namespace ftpc::server
