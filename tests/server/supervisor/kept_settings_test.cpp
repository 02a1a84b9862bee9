#include "server/supervisor/kept_settings.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;

TEST_CASE("a setting that needs a new start is put back and named, and others are taken over")
{
    const Settings in_force;
    Settings settings;
    settings.root = "/elsewhere";
    settings.reactors = 7;
    settings.time_zone = "Europe/Berlin";
    settings.time_source = TimeSource::local;
    settings.max_connections = in_force.max_connections + 1;
    CHECK(keep_until_next_start(in_force, settings) == "root, time-zone, reactors");
    CHECK(settings.root == in_force.root);
    CHECK(settings.reactors == in_force.reactors);
    CHECK((settings.time_source == TimeSource::local));
    CHECK(settings.max_connections == in_force.max_connections + 1);
}

TEST_CASE("a reload that changes nothing names no setting")
{
    Settings settings;
    CHECK(keep_until_next_start({}, settings).empty());
}
