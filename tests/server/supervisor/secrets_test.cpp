#include "server/supervisor/secrets.hpp"

#include "server/directories/data_directory.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>

#include <stdexcept>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct SecretsTest {
    SecretsTest()
    {
        settings.data = directory.path();
        settings.pepper_file = directory.path("pepper");
        directory.write("pepper", std::string(64, 'a') + "\n");
        REQUIRE(::chmod(settings.pepper_file.c_str(), 0600) == 0);
        open_data(settings, {});
        secrets.load(settings);
    }

    test::TemporaryDirectory directory;
    Settings settings;
    Secrets secrets;
};

} // namespace

TEST_CASE_METHOD(SecretsTest, "each child is given only the secrets that it works with")
{
    const auto auth = secrets.configuration({.name = "auth", .user = {}, .pepper = true}, settings);
    CHECK_FALSE(view(auth.pepper).empty());
    CHECK(auth.certificate_pem.empty());
    CHECK(view(auth.key_pem).empty());
    const auto net = secrets.configuration({.name = "net", .user = {}, .certificate = true}, settings);
    CHECK(view(net.pepper).empty());
    CHECK_THAT(net.certificate_pem, test::contains("BEGIN CERTIFICATE"));
    CHECK_FALSE(view(net.key_pem).empty());
}

TEST_CASE_METHOD(SecretsTest, "a certificate is another one only if its file has changed")
{
    CHECK_FALSE(secrets.load(settings));
    CHECK_FALSE(secrets.is_check_due());
    REQUIRE(::unlink(directory.path("tls/certificate.pem").c_str()) == 0);
    CHECK(secrets.load(settings));
}

TEST_CASE_METHOD(SecretsTest, "secrets that cannot be used leave those in force unchanged")
{
    const std::string before = secrets.fingerprint();
    directory.write("tls/certificate.pem", "nothing");
    CHECK_THROWS_AS(secrets.load(settings), std::runtime_error);
    CHECK(secrets.fingerprint() == before);
}
