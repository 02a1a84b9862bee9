#include "server/certificates/certificate.hpp"

#include "shared/protocol/fingerprint.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

constexpr auto a_day = std::chrono::hours{24};

Bio memory(std::string_view text)
{
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

Certificate parse(const std::string& pem)
{
    return {PEM_read_bio_X509(memory(pem).get(), nullptr, nullptr, nullptr), X509_free};
}

std::string text_of(const Bio& bio)
{
    char* data = nullptr;
    const auto bytes = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(bytes)};
}

// As `openssl x509 -text` shows it.
std::string extension(const X509* certificate, int nid)
{
    const int at = X509_get_ext_by_NID(certificate, nid, -1);
    if (at < 0) return "none";
    X509_EXTENSION* const found = X509_get_ext(certificate, at);
    const Bio out{BIO_new(BIO_s_mem()), BIO_free};
    X509V3_EXT_print(out.get(), found, 0, 0);
    return (X509_EXTENSION_get_critical(found) == 1 ? "critical " : "") + text_of(out);
}

struct DataTest {
    test::TemporaryDirectory data;
    Settings settings;

    DataTest()
    {
        settings.data = data.path();
        REQUIRE(::mkdir(data.path("tls").c_str(), 0700) == 0);
    }
    CertificateFiles make() const { return load_or_make_certificate(settings); }
    mode_t mode(const std::string& name) const
    {
        struct stat status {};
        return ::stat(data.path(name).c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
    }
    std::string refusal() const
    {
        try {
            make();
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "accepted";
    }

    // The same certificate as it was made, but with so much time left, signed with its key again.
    void age(std::chrono::hours left, std::chrono::hours begun = 24h) const
    {
        change([&](X509* certificate) {
            X509_gmtime_adj(X509_getm_notAfter(certificate), std::chrono::seconds{left}.count());
            X509_gmtime_adj(X509_getm_notBefore(certificate), -std::chrono::seconds{begun}.count());
        });
    }
    template <class Change>
    void change(Change change) const
    {
        const CertificateFiles files = make();
        const Certificate certificate = parse(files.certificate_pem);
        const Key key{PEM_read_bio_PrivateKey(memory(view(files.key_pem)).get(), nullptr, nullptr, nullptr),
                      EVP_PKEY_free};
        change(certificate.get());
        REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
        const Bio out{BIO_new(BIO_s_mem()), BIO_free};
        REQUIRE(PEM_write_bio_X509(out.get(), certificate.get()) == 1);
        data.write("tls/certificate.pem", text_of(out));
    }
};

} // namespace

TEST_CASE_METHOD(DataTest, "a certificate is made once, with its key for nobody else's eyes")
{
    const CertificateFiles first = make();
    CHECK(mode("tls/key.pem") == 0600);
    CHECK(mode("tls/certificate.pem") == 0644);
    const CertificateFiles second = make();
    CHECK(second.certificate_pem == first.certificate_pem);
    CHECK(second.key_pem == first.key_pem);
    CHECK(load_certificate(settings).certificate_pem == first.certificate_pem);
}

TEST_CASE_METHOD(DataTest, "a certificate of its own says what it is for")
{
    const Certificate certificate = parse(make().certificate_pem);
    REQUIRE(certificate);
    const X509* const x = certificate.get();
    CHECK(X509_get_version(x) == X509_VERSION_3);
    CHECK(extension(x, NID_basic_constraints) == "critical CA:FALSE");
    CHECK(extension(x, NID_key_usage) == "critical Digital Signature");
    CHECK(extension(x, NID_ext_key_usage) == "TLS Web Server Authentication");
    CHECK_THAT(extension(x, NID_subject_alt_name), test::contains("DNS:localhost"));
    CHECK_THAT(extension(x, NID_subject_alt_name), test::contains("IP Address:127.0.0.1"));
    CHECK_THAT(extension(x, NID_subject_alt_name), test::contains("IP Address:0:0:0:0:0:0:0:1"));
    CHECK(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr) == 1);
    CHECK(X509_check_ip_asc(certificate.get(), "::1", 0) == 1);
    CHECK(X509_verify(certificate.get(), X509_get0_pubkey(x)) == 1);
    CHECK(std::string{EVP_PKEY_get0_type_name(X509_get0_pubkey(x))} == "EC");
    CHECK(EVP_PKEY_get_bits(X509_get0_pubkey(x)) == 256);
}

TEST_CASE_METHOD(DataTest, "a certificate is valid from a day ago for 397 days")
{
    const CertificateFiles files = make();
    const auto left =
        describe_certificate(files.certificate_pem).not_after - std::chrono::system_clock::now();
    CHECK((left > 396 * a_day && left <= 397 * a_day));
    const auto begun =
        std::chrono::system_clock::now() - describe_certificate(files.certificate_pem).not_before;
    CHECK((begun >= a_day && begun < a_day + std::chrono::minutes{5}));
}

TEST_CASE_METHOD(
    DataTest,
    "a certificate with less than 30 days left, or that is not valid yet, is renewed with the same key")
{
    for (const auto& [left, begun] :
         {std::pair{29 * a_day, a_day}, std::pair{-a_day, a_day}, std::pair{999 * a_day, -a_day}}) {
        age(left, begun);
        const std::string old = data.read("tls/certificate.pem");
        const std::string key = data.read("tls/key.pem");
        const CertificateFiles renewed = make();
        CHECK(renewed.certificate_pem != old);
        CHECK(view(renewed.key_pem) == key);
        const auto before = describe_certificate(old);
        const auto after = describe_certificate(renewed.certificate_pem);
        CHECK(after.fingerprint == before.fingerprint);
        CHECK((after.not_after - std::chrono::system_clock::now() > 396 * a_day));
    }
}

TEST_CASE_METHOD(DataTest, "a certificate that lacks a name of this machine is renewed with the same key")
{
    change([](X509* certificate) {
        X509_EXTENSION_free(
            X509_delete_ext(certificate, X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1)));
        const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> other{
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:other.example.org"),
            X509_EXTENSION_free};
        REQUIRE(X509_add_ext(certificate, other.get(), -1) == 1);
    });
    const std::string before = describe_certificate(data.read("tls/certificate.pem")).fingerprint;
    const std::string renewed = make().certificate_pem;
    CHECK(X509_check_host(parse(renewed).get(), "localhost", 0, 0, nullptr) == 1);
    CHECK(describe_certificate(renewed).fingerprint == before);
    CHECK(make().certificate_pem == renewed);
}

TEST_CASE_METHOD(DataTest, "a certificate of an authority in the place of our own is not replaced")
{
    change([](X509* certificate) {
        const std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)> authority{X509_NAME_new(),
                                                                              X509_NAME_free};
        X509_NAME_add_entry_by_txt(authority.get(), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("Authority"), -1, -1, 0);
        REQUIRE(X509_set_issuer_name(certificate, authority.get()) == 1);
        X509_EXTENSION_free(
            X509_delete_ext(certificate, X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1)));
    });
    const std::string theirs = data.read("tls/certificate.pem");
    CHECK(make().certificate_pem == theirs);
}

TEST_CASE_METHOD(DataTest,
                 "a certificate with more than 30 days left stays, and looking at it renews nothing")
{
    age(31 * a_day);
    const std::string old = data.read("tls/certificate.pem");
    CHECK(make().certificate_pem == old);
    age(-a_day);
    const std::string expired = data.read("tls/certificate.pem");
    CHECK(load_certificate(settings).certificate_pem == expired);
    CHECK(data.read("tls/certificate.pem") == expired);
}

TEST_CASE_METHOD(DataTest, "two servers have two keys")
{
    CHECK(describe_certificate(make().certificate_pem).fingerprint !=
          describe_certificate(DataTest{}.make().certificate_pem).fingerprint);
}

TEST_CASE_METHOD(DataTest, "a certificate is described by fingerprint, subject and end")
{
    const CertificateDescription described = describe_certificate(make().certificate_pem);
    CHECK(is_fingerprint(described.fingerprint));
    CHECK_THAT(described.subject, test::starts_with("CN="));
    CHECK_THROWS_WITH(describe_certificate("junk"), "not a PEM certificate");
}

TEST_CASE_METHOD(DataTest,
                 "a key that others can read or a group can change is refused with the command that mends it")
{
    make();
    const std::string key = data.path("tls/key.pem");
    for (const mode_t open : {0604U, 0644U, 0602U, 0660U}) {
        REQUIRE(::chmod(key.c_str(), open) == 0);
        CHECK_THAT(refusal(), test::contains("chmod 600 " + key));
    }
    REQUIRE(::chmod(key.c_str(), 0640) == 0); // as Debian's ssl-cert has it
    CHECK(refusal() == "accepted");
}

TEST_CASE_METHOD(DataTest, "a key that was lost is not quietly replaced by another")
{
    make();
    REQUIRE(::unlink(data.path("tls/key.pem").c_str()) == 0);
    CHECK_THAT(refusal(), test::contains("key.pem: missing, though its certificate is there"));
    REQUIRE(::unlink(data.path("tls/certificate.pem").c_str()) == 0);
    CHECK(refusal() == "accepted");
}

TEST_CASE_METHOD(DataTest, "a certificate that was lost is made again for the same key")
{
    const std::string fingerprint = describe_certificate(make().certificate_pem).fingerprint;
    REQUIRE(::unlink(data.path("tls/certificate.pem").c_str()) == 0);
    CHECK(describe_certificate(make().certificate_pem).fingerprint == fingerprint);
}

TEST_CASE_METHOD(DataTest, "broken files are named")
{
    make();
    data.write("tls/certificate.pem", "junk");
    CHECK(refusal() == data.path("tls/certificate.pem") + ": not a PEM certificate");
    REQUIRE(::unlink(data.path("tls/certificate.pem").c_str()) == 0);
    data.write("tls/key.pem", "junk");
    CHECK_THAT(refusal(), test::starts_with(data.path("tls/key.pem") + ": not a PEM private key"));
    data.write("tls/key.pem", std::string(40000, 'x'));
    CHECK_THAT(refusal(), test::starts_with(data.path("tls/key.pem") + ": File too large"));
}

TEST_CASE_METHOD(
    DataTest, "a directory that others can change, or a link in its place, gets no key and is not believed")
{
    const std::string tls = data.path("tls");
    const auto refused = test::starts_with(tls + ": must be a directory that only you and root can change");
    REQUIRE(::chmod(tls.c_str(), 0770) == 0);
    CHECK_THAT(refusal(), refused);
    REQUIRE(::chmod(tls.c_str(), 0700) == 0);
    if (::geteuid() == 0) {
        REQUIRE(::chown(tls.c_str(), 65534, 0) == 0);
        CHECK_THAT(refusal(), refused);
        REQUIRE(::chown(tls.c_str(), 0, 0) == 0);
    }
    CHECK_FALSE(std::filesystem::exists(tls + "/key.pem"));
    REQUIRE(::rename(tls.c_str(), data.path("elsewhere").c_str()) == 0);
    REQUIRE(::symlink("elsewhere", tls.c_str()) == 0);
    CHECK_THAT(refusal(), refused);
    REQUIRE(::unlink(tls.c_str()) == 0);
    REQUIRE(::rename(data.path("elsewhere").c_str(), tls.c_str()) == 0);
    CHECK(refusal() == "accepted");
}

TEST_CASE_METHOD(DataTest,
                 "an administrator's certificate and key are set together, and never made or renewed")
{
    settings.certificate = data.path("mine.pem");
    CHECK(refusal() == "certificate and key are set together or not at all");
    settings.key = data.path("mine.key");
    CHECK(refusal() == data.path("mine.pem") + ": No such file or directory");
    CHECK(data.names() == std::vector<std::string>{"tls"});

    DataTest other;
    other.age(-a_day);
    settings.certificate = other.settings.certificate_file();
    settings.key = other.settings.key_file();
    const std::string expired = other.data.read("tls/certificate.pem");
    CHECK(make().certificate_pem == expired);
    // Both may be links, as those of ACME clients are.
    REQUIRE(::symlink(other.settings.key_file().c_str(), data.path("live.key").c_str()) == 0);
    settings.key = data.path("live.key");
    CHECK(make().certificate_pem == expired);
}

TEST_CASE_METHOD(DataTest, "a certificate that clients refuse at this time is told, with its end or begin")
{
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    CHECK(validity_problem(make().certificate_pem, now).empty());
    CHECK_THAT(validity_problem(make().certificate_pem, now + 398 * a_day),
               test::starts_with("has expired at "));
    CHECK_THAT(validity_problem(make().certificate_pem, now - 2 * a_day),
               test::starts_with("is not valid before "));
    CHECK_THROWS_WITH(validity_problem("junk", now), "not a PEM certificate");
    const std::string good = make().certificate_pem;
    age(-a_day);
    const std::string chain = good + data.read("tls/certificate.pem");
    CHECK_THAT(validity_problem(chain, now), test::starts_with("the certificate of CN="));
    CHECK_THAT(validity_problem(chain, now), test::contains(" has expired at "));
}

TEST_CASE_METHOD(DataTest, "a certificate without an end is valid, and never renewed")
{
    change([](X509* certificate) { // RFC 5280 §4.1.2.5
        REQUIRE(ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") == 1);
    });
    const std::string endless = data.read("tls/certificate.pem");
    CHECK(
        validity_problem(endless, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()))
            .empty());
    CHECK(make().certificate_pem == endless);
}
