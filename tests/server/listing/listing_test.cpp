#include "server/listing/listing.hpp"

#include "server/storage/tree_fixture.hpp"
#include "shared/base/error.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using test::failure_text;

namespace {

using Lines = std::vector<std::string>;

Lines lines_of(std::string_view text)
{
    Lines lines;
    while (!text.empty()) {
        const auto end = text.find("\r\n");
        REQUIRE(end != std::string_view::npos);
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end + 2);
    }
    return lines;
}

// All that is left of a listing, in the order of its lines.
Result<Lines> rest_of(Listing& listing, std::size_t most = 65536)
{
    std::string all;
    while (true) {
        const auto piece = listing.next(most);
        if (!piece) return piece.error();
        if (piece->empty()) return lines_of(all);
        all += *piece;
    }
}

Lines sorted(Lines lines)
{
    std::sort(lines.begin(), lines.end());
    return lines;
}

struct ListingTest : test::TreeFixture {
    Tree storage = tree();
    Directory home = storage.open_home("alice").value();

    Result<std::unique_ptr<Listing>> open_listing(std::string_view path, ListingForm form) const
    {
        return Listing::open(storage, home, test::path(path), form, FactSet{});
    }
    // The names in a directory, sorted.
    Lines names(std::string_view path = "/") const
    {
        return sorted(rest_of(*open_listing(path, ListingForm::names).value()).value());
    }
    Lines list(std::string_view path) const
    {
        return sorted(rest_of(*open_listing(path, ListingForm::list).value()).value());
    }
    Lines facts(std::string_view path, std::string_view which) const
    {
        const auto listing =
            Listing::open(storage, home, test::path(path), ListingForm::facts, parse_fact_names(which));
        return sorted(rest_of(**listing).value());
    }
    // The paths of a tree, each with the type that its line gives: "dir /a".
    Lines paths_of_tree(std::string_view path, unsigned depth, std::size_t most = 65536) const
    {
        Lines paths;
        for (const std::string& line :
             rest_of(*Listing::open_tree(storage, home, test::path(path), depth).value(), most).value()) {
            const std::string type = line.substr(5, line.find(';') - 5);
            paths.push_back(type + line.substr(line.find("; ") + 1));
        }
        return paths;
    }
    std::string failure(std::string_view path, ListingForm form = ListingForm::list) const
    {
        return failure_text(open_listing(path, form));
    }
    std::string in_home(const std::string& name) const { return top.path("root/alice/" + name); }
    void set_time(const std::string& name, time_t seconds) const
    {
        const timespec times[2]{{seconds, 0}, {seconds, 0}};
        REQUIRE(::utimensat(AT_FDCWD, in_home(name).c_str(), times, 0) == 0);
    }
};

} // namespace

// ---- the forms

TEST_CASE_METHOD(ListingTest, "a directory is listed with all that is in it, without itself and its parent")
{
    CHECK(names().empty());
    make_in_home("b");
    file("a");
    file(".hidden");
    make_in_home("b/below");
    CHECK(names() == Lines{".hidden", "a", "b"});
    CHECK(names("/b") == Lines{"below"});
}

TEST_CASE_METHOD(ListingTest, "LIST shows the columns of ls -l before each name")
{
    make_in_home("d");
    file("f");
    REQUIRE(::chmod(in_home("f").c_str(), 0600) == 0);
    set_time("f", 0);
    set_time("d", -86400);
    const Lines lines = list("/");
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "-rw-------    1 ftp      ftp                 8 Jan  1  1970 f");
    CHECK(lines[1].starts_with("drwxr-xr-x    "));
    CHECK(lines[1].ends_with(" Dec 31  1969 d"));
}

TEST_CASE_METHOD(ListingTest, "MLSD shows the chosen facts before each name")
{
    make_in_home("d");
    file("f");
    set_time("f", 951868799);
    CHECK(facts("/", "type;size;perm;") == Lines{"type=dir;perm=elm; d", "type=file;size=8;perm=; f"});
    CHECK(facts("/", "modify;").front() == "modify=20000229235959; f");
    CHECK(facts("/", "") == Lines{" d", " f"});
}

TEST_CASE_METHOD(ListingTest, "LIST and NLST of a file show that file, and MLSD of one fails")
{
    make_in_home("d");
    file("d/f");
    link("d/f", "l");
    CHECK(names("/d/f") == Lines{"f"});
    CHECK(names("/l") == Lines{"l"});
    CHECK(list("/d/f").size() == 1);
    CHECK(list("/d/f").front().ends_with(" f"));
    CHECK(failure("/d/f", ListingForm::facts) == "Not a directory");
}

TEST_CASE_METHOD(ListingTest, "a listing of a missing directory fails, also through a file")
{
    file("f");
    for (const auto form : {ListingForm::list, ListingForm::names, ListingForm::facts}) {
        CHECK(failure("/none", form) == "No such file or directory");
        CHECK(failure("/f/x", form) == "Not a directory");
    }
}

// ---- links

TEST_CASE_METHOD(ListingTest, "a link inside the home is shown as its target, from any directory")
{
    make_in_home("a");
    make_in_home("a/b");
    file("f");
    link("a", "to-directory");
    link("f", "to-file");
    link("../../f", "a/b/up");
    CHECK(facts("/", "type;size;") ==
          Lines{"type=dir; a", "type=dir; to-directory", "type=file;size=8; f", "type=file;size=8; to-file"});
    CHECK(facts("/a/b", "type;size;") == Lines{"type=file;size=8; up"});
    CHECK(facts("/to-directory/b", "type;size;") == Lines{"type=file;size=8; up"});
}

TEST_CASE_METHOD(ListingTest, "a link that leads out of the home, or nowhere, is left out in every form")
{
    top.write("outside/secret", "x");
    link("../../outside/secret", "file-outside");
    link("../../outside", "directory-outside");
    link("../alice", "back-in");
    link(top.path("outside"), "absolute");
    link(in_home(""), "absolute-inside");
    link("/proc/self/root", "magic");
    link("none", "dangling");
    link("loop", "loop");
    file("f");
    CHECK(names() == Lines{"f"});
    CHECK(list("/").size() == 1);
    CHECK(facts("/", "type;") == Lines{"type=file; f"});
    CHECK(paths_of_tree("/", 3) == Lines{"dir /", "file f"});
}

TEST_CASE_METHOD(ListingTest, "a link to a directory outside cannot be listed")
{
    top.write("outside/secret", "x");
    link("../../outside", "out");
    for (const auto form : {ListingForm::list, ListingForm::names, ListingForm::facts})
        CHECK(failure("/out", form) == "Invalid cross-device link");
    CHECK(failure_text(Listing::open_tree(storage, home, test::path("/out"), 1)) ==
          "Invalid cross-device link");
}

TEST_CASE_METHOD(ListingTest, "without openat2 links are left out")
{
    make_in_home("a");
    file("a/f");
    link("a", "l");
    link("a/f", "m");
    const Tree walking = tree(Tree::Lookup::walk);
    const auto listing = Listing::open(walking, home, test::path("/"), ListingForm::names, FactSet{});
    CHECK(rest_of(**listing).value() == Lines{"a"});
    CHECK(failure_text(Listing::open(walking, home, test::path("/l"), ListingForm::list, FactSet{})) !=
          "done");
}

// ---- names

TEST_CASE_METHOD(ListingTest, "a name that a line cannot show is left out and counted")
{
    for (const char* const name :
         {"cr\rlf", "line\nend", "end\r\n226 Done", "escape\x1b[2J", "bell\x07", "delete\x7f", "c1\xc2\x9b",
          "latin\xe9", "cut\xe2\x82", "overlong\xc0\xaf", "surrogate\xed\xa0\x80"})
        file(name);
    make_in_home("bad\xff");
    file("good");
    file(" leading and trailing ");
    file("\xe2\x82\xac");
    const auto listing = open_listing("/", ListingForm::names).value();
    CHECK(sorted(rest_of(*listing).value()) == Lines{" leading and trailing ", "good", "\xe2\x82\xac"});
    CHECK(listing->unlisted() == 12);
}

TEST_CASE_METHOD(ListingTest, "names of 255 bytes are shown")
{
    const std::string ascii(255, 'n');
    std::string euros;
    for (int i = 0; i < 85; ++i)
        euros += "\xe2\x82\xac";
    file(ascii);
    make_in_home(euros);
    CHECK(names() == Lines{ascii, euros});
    CHECK(list("/").front().size() < 400);
}

TEST_CASE_METHOD(ListingTest, "a path that would be too long to be asked for is left out and counted")
{
    const std::string part(250, 'p');
    RemotePath deep;
    UniqueFd here = open("root/alice");
    for (int i = 0; i < 16; ++i) { // 16 * 251 = 4016 bytes
        REQUIRE(::mkdirat(here.get(), part.c_str(), 0755) == 0);
        here = UniqueFd{::openat(here.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        deep = deep.resolve(part).value();
    }
    const std::string fits(4096 - 4016 - 1, 'f');
    REQUIRE(::mkdirat(here.get(), fits.c_str(), 0755) == 0);
    REQUIRE(::mkdirat(here.get(), (fits + 'f').c_str(), 0755) == 0);
    const auto listing = Listing::open(storage, home, deep, ListingForm::names, FactSet{}).value();
    CHECK(rest_of(*listing).value() == Lines{fits});
    CHECK(listing->unlisted() == 1);
    CHECK(storage.open(home, deep.resolve(fits).value()));
}

// ---- other kinds

TEST_CASE_METHOD(ListingTest, "a FIFO, a socket and a device are shown and not opened")
{
    REQUIRE(::mkfifo(in_home("fifo").c_str(), 0600) == 0);
    const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const UniqueFd here = open("root/alice"); // its path may be too long for an address
    const std::string place = "/proc/self/fd/" + std::to_string(here.get()) + "/socket";
    std::copy(place.begin(), place.end(), address.sun_path);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    link("fifo", "to-fifo");
    CHECK(facts("/", "type;") ==
          Lines{"type=OS.unix=fifo; fifo", "type=OS.unix=fifo; to-fifo", "type=OS.unix=socket; socket"});
    CHECK(list("/").front().starts_with("prw-------"));
    CHECK(names("/fifo") == Lines{"fifo"});
}

// ---- pieces

TEST_CASE_METHOD(ListingTest,
                 "no piece of a listing is larger than asked for, and none is lost between pieces")
{
    for (int i = 0; i < 500; ++i)
        file("name-" + std::to_string(i));
    for (const std::size_t most : {100U, 128U, 1000U}) {
        const auto listing = open_listing("/", ListingForm::list).value();
        std::set<std::string> seen;
        while (true) {
            const std::string piece = listing->next(most).value();
            if (piece.empty()) break;
            CHECK(piece.size() <= most);
            for (const std::string& line : lines_of(piece))
                CHECK(seen.insert(line).second);
        }
        CHECK(seen.size() == 500);
    }
}

TEST_CASE_METHOD(ListingTest, "a line that is longer than a piece is a piece")
{
    file("a-long-name");
    file("b-long-name");
    const auto listing = open_listing("/", ListingForm::names).value();
    const std::string both = listing->next(5).value() + listing->next(5).value();
    CHECK(sorted(lines_of(both)) == Lines{"a-long-name", "b-long-name"});
    CHECK(listing->next(5).value().empty());
    CHECK(listing->next(5).value().empty());
}

TEST_CASE_METHOD(ListingTest, "a hundred thousand entries come in pieces, each of them once")
{
    constexpr int many = 100000;
    const UniqueFd here = open("root/alice");
    int made = 0;
    for (int i = 0; i < many;
         ++i) { // names of two files are the fastest to make, and some systems allow 65,000
        const std::string original = i % 2 == 0 ? "outside/even" : "outside/odd";
        if (i < 2) top.write(original, "contents");
        made += ::linkat(AT_FDCWD, top.path(original).c_str(), here.get(), std::to_string(i).c_str(), 0) == 0;
    }
    REQUIRE(made == many);
    const auto listing = open_listing("/", ListingForm::facts).value();
    std::vector<bool> seen(many);
    int lines = 0;
    while (true) {
        const std::string piece = listing->next(32768).value();
        if (piece.empty()) break;
        REQUIRE(piece.size() <= 32768);
        for (const std::string& line : lines_of(piece)) {
            ++lines;
            seen.at(std::stoul(line.substr(line.find("; ") + 2))) = true;
        }
    }
    CHECK(lines == many);
    CHECK(std::find(seen.begin(), seen.end(), false) == seen.end());
}

// ---- changes meanwhile

TEST_CASE_METHOD(ListingTest, "a directory that is removed while it is listed fails, or ends")
{
    make_in_home("d");
    for (int i = 0; i < 2000; ++i)
        make_in_home("d/" + std::to_string(i));
    const auto listing = open_listing("/d", ListingForm::facts).value();
    REQUIRE(lines_of(listing->next(1000).value()).size() > 5);
    std::filesystem::remove_all(in_home("d"));
    make_in_home("d");
    file("d/another");
    const auto rest = rest_of(*listing);
    REQUIRE_FALSE(rest);
    CHECK(rest.error().message() == "No such file or directory");
}

TEST_CASE_METHOD(ListingTest, "a directory that is moved while it is listed goes on with its own entries")
{
    make_in_home("d");
    for (int i = 0; i < 1000; ++i)
        file("d/" + std::to_string(i));
    const auto listing = open_listing("/d", ListingForm::facts).value();
    std::size_t lines = lines_of(listing->next(1000).value()).size();
    std::filesystem::rename(in_home("d"), in_home("elsewhere"));
    std::filesystem::create_directory_symlink(top.path("outside"), in_home("d"));
    top.write("outside/secret", "x");
    for (const std::string& line : rest_of(*listing).value()) {
        CHECK(line.find("secret") == std::string::npos);
        ++lines;
    }
    CHECK(lines == 1000);
}

TEST_CASE_METHOD(ListingTest, "entries that vanish while they are listed are left out")
{
    for (int i = 0; i < 200; ++i) // in one reading of names
        file(std::to_string(i));
    const auto listing = open_listing("/", ListingForm::list).value();
    CHECK(lines_of(listing->next(500).value()).size() < 10);
    for (int i = 0; i < 200; ++i)
        std::filesystem::remove(in_home(std::to_string(i)));
    CHECK(rest_of(*listing).value().size() <= 1); // one was read before
}

TEST_CASE_METHOD(ListingTest, "a directory that becomes a link to the outside is not entered")
{
    make_in_home("a");
    for (int i = 0; i < 50; ++i)
        make_in_home("a/" + std::to_string(i));
    top.write("outside/secret", "x");
    const auto listing = Listing::open_tree(storage, home, test::path("/a"), 5).value();
    REQUIRE_FALSE(listing->next(300).value().empty()); // the names have been read
    for (int i = 0; i < 50; ++i) {
        std::filesystem::remove(in_home("a/" + std::to_string(i)));
        std::filesystem::create_directory_symlink(top.path("outside"), in_home("a/" + std::to_string(i)));
    }
    for (const std::string& line : rest_of(*listing).value())
        CHECK(line.find("secret") == std::string::npos);
}

// ---- trees

TEST_CASE_METHOD(ListingTest, "a tree shows the path itself first, and each directory before its contents")
{
    make_in_home("p");
    make_in_home("p/2026");
    make_in_home("p/2026/raw");
    file("p/2026/raw/f");
    CHECK(paths_of_tree("/p", 0) == Lines{"dir /p"});
    CHECK(paths_of_tree("/p", 1) == Lines{"dir /p", "dir 2026"});
    CHECK(paths_of_tree("/p", 2) == Lines{"dir /p", "dir 2026", "dir 2026/raw"});
    const Lines all{"dir /p", "dir 2026", "dir 2026/raw", "file 2026/raw/f"};
    CHECK(paths_of_tree("/p", 3) == all);
    CHECK(paths_of_tree("/p", 32) == all);
    CHECK(paths_of_tree("/p", 32, 1) == all);
    CHECK(paths_of_tree("/", 1) == Lines{"dir /", "dir p"});
}

TEST_CASE_METHOD(ListingTest, "the contents of a directory follow directly behind it")
{
    for (const char* const name : {"a", "b", "c"}) {
        make_in_home(name);
        file(std::string{name} + "/1");
        file(std::string{name} + "/2");
    }
    const Lines lines = paths_of_tree("/", 2, 120);
    REQUIRE(lines.size() == 10);
    for (std::size_t i = 1; i < lines.size(); i += 3) {
        const std::string name = lines[i].substr(lines[i].find(' ') + 1);
        const Lines contents{lines[i + 1], lines[i + 2]};
        CHECK(sorted(contents) == Lines{"file " + name + "/1", "file " + name + "/2"});
    }
}

TEST_CASE_METHOD(ListingTest, "a tree of a file is that file")
{
    make_in_home("d");
    file("d/f");
    CHECK(paths_of_tree("/d/f", 1) == Lines{"file /d/f"});
    CHECK(failure_text(Listing::open_tree(storage, home, test::path("/d/none"), 1)) ==
          "No such file or directory");
}

TEST_CASE_METHOD(ListingTest, "a link to a directory is shown and not entered, so that no cycle has no end")
{
    make_in_home("a");
    make_in_home("a/b");
    link("..", "a/b/up");
    link("a", "l");
    CHECK(sorted(paths_of_tree("/", 32)) == Lines{"dir /", "dir a", "dir a/b", "dir a/b/up", "dir l"});
    CHECK(paths_of_tree("/l", 1) == Lines{"dir /l", "dir b"}); // it was asked for by name
}

TEST_CASE_METHOD(ListingTest, "a tree is at most 32 levels deep")
{
    std::string deep;
    for (int i = 0; i < 40; ++i)
        make_in_home(deep += (i == 0 ? "d" : "/d"));
    for (const unsigned depth : {32U, 33U, 4000000000U})
        CHECK(paths_of_tree("/", depth).size() == 33);
}

TEST_CASE_METHOD(ListingTest, "a tree of any depth holds two descriptors")
{
    std::string deep;
    for (int i = 0; i < 40; ++i) {
        make_in_home(deep += (i == 0 ? "d" : "/d"));
        file(deep + "/f");
    }
    const auto open_now = [] {
        const std::filesystem::directory_iterator all{"/proc/self/fd"};
        return std::distance(begin(all), end(all));
    };
    const auto before = open_now();
    const auto listing = Listing::open_tree(storage, home, test::path("/"), 32).value();
    auto most = before;
    Lines lines;
    while (!listing->at_end()) {
        for (std::string& line : lines_of(listing->next(1).value()))
            lines.push_back(std::move(line));
        most = std::max(most, open_now());
    }
    CHECK(most == before + 2);
    CHECK(lines.size() == 1 + 32 + 31);
    CHECK(open_now() == before);
}

TEST_CASE_METHOD(ListingTest, "each directory of a tree goes on behind the deep one that was read meanwhile")
{
    std::set<std::string> all{"/"};
    const auto fill = [&](const auto& again, const std::string& where, int levels) -> void {
        for (int i = 0; i < 4; ++i) {
            const std::string name = where + std::to_string(i);
            make_in_home(name);
            all.insert(name);
            if (levels > 1) again(again, name + "/", levels - 1);
        }
    };
    fill(fill, "", 5); // 4 + 16 + … + 1024
    std::set<std::string> seen;
    for (const std::string& path : paths_of_tree("/", 32, 1000))
        CHECK(seen.insert(path.substr(4)).second);
    CHECK(seen == all);
}

TEST_CASE_METHOD(ListingTest,
                 "a directory that is moved while one deep in it is read ends the tree with a failure")
{
    top.write("outside/secret", "x");
    make_in_home("a");
    make_in_home("a/b");
    make_in_home("a/b/c");
    make_in_home("a/b/c/d");
    const auto listing = Listing::open_tree(storage, home, test::path("/"), 32).value();
    while (listing->next(1).value().find("a/b/c/d") == std::string::npos) {
    }
    std::filesystem::rename(in_home("a/b/c"), top.path("outside/c")); // which is open, with `d`
    const auto rest = rest_of(*listing);
    REQUIRE_FALSE(rest);
    CHECK(rest.error().message() == "Resource temporarily unavailable");
}

TEST_CASE_METHOD(ListingTest, "a process without descriptors fails in the middle of a tree")
{
    std::string deep;
    for (int i = 0; i < 20; ++i)
        make_in_home(deep += (i == 0 ? "d" : "/d"));
    const std::string result = test::in_child([this] {
        const auto listing = Listing::open_tree(storage, home, test::path("/"), 32).value();
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_NOFILE, &none);
        return failure_text(rest_of(*listing));
    });
    CHECK(result == "Too many open files");
}

TEST_CASE_METHOD(ListingTest, "names that cannot be shown are counted at every level of a tree")
{
    make_in_home("a");
    make_in_home("a/bad\n");
    file("a/bad\n/unseen");
    file("worse\r");
    const auto listing = Listing::open_tree(storage, home, test::path("/"), 5).value();
    CHECK(rest_of(*listing).value().size() == 2);
    CHECK(listing->unlisted() == 2);
}

TEST_CASE_METHOD(ListingTest, "a directory that is removed while its tree is listed ends there")
{
    make_in_home("a");
    make_in_home("b");
    for (int i = 0; i < 1000; ++i)
        make_in_home("a/" + std::to_string(i));
    const auto listing = Listing::open_tree(storage, home, test::path("/"), 2).value();
    bool in_a = false;
    while (!in_a)
        in_a = listing->next(1).value().find(" a/") != std::string::npos;
    std::filesystem::remove_all(in_home("a"));
    CHECK(rest_of(*listing));
}

// ---- permissions

TEST_CASE_METHOD(ListingTest,
                 "a directory that may not be read fails, and below the first only its contents are left out")
{
    make_in_home("closed");
    make_in_home("closed/unseen");
    make_in_home("no-search");
    make_in_home("no-search/unseen");
    make_in_home("open");
    make_in_home("open/seen");
    REQUIRE(::chmod(in_home("closed").c_str(), 0311) == 0);
    REQUIRE(::chmod(in_home("no-search").c_str(), 0644) == 0);
    REQUIRE(::chmod(top.path().c_str(), 0755) == 0);
    const std::string results = test::in_child([this] {
        test::drop_root();
        std::string all = failure("/closed") + ", " + failure("/no-search");
        for (const std::string& line : sorted(paths_of_tree("/", 3)))
            all += ", " + line;
        all += ", " + failure_text(Listing::open_tree(storage, home, test::path("/closed"), 1));
        return all + ", " + failure_text(Listing::open_tree(storage, home, test::path("/closed"), 0));
    });
    CHECK(results == "Permission denied, Permission denied, dir /, dir closed, dir no-search, dir open, "
                     "dir open/seen, Permission denied, done");
}

TEST_CASE_METHOD(ListingTest, "mounts in the home are entered")
{
    const auto list_tree = [this] {
        file("mount/f");
        const Tree mounted = tree();
        const Directory there = mounted.open_home("alice").value();
        std::string all;
        for (const std::string& line :
             rest_of(*Listing::open_tree(mounted, there, test::path("/"), 2).value()).value())
            all += line.substr(line.find("; ") + 2) + ", ";
        const auto listing =
            Listing::open(mounted, there, test::path("/mount"), ListingForm::names, FactSet{}).value();
        return all + rest_of(*listing).value().front();
    };
    with_mount(list_tree, "/, mount, mount/f, f");
}

TEST_CASE_METHOD(ListingTest, "two listings of the home at once do not share a reading position")
{
    for (int i = 0; i < 50; ++i)
        file(std::to_string(i));
    const auto one = open_listing("/", ListingForm::names).value();
    const auto other = open_listing("/", ListingForm::names).value();
    CHECK(rest_of(*one).value().size() == 50);
    CHECK(rest_of(*other).value().size() == 50);
    CHECK(names().size() == 50);
}
