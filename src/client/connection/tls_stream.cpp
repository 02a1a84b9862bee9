#include "client/connection/tls_stream.hpp"

#include "client/terminal/safe_text.hpp"
#include "shared/base/error.hpp"
#include "shared/base/result.hpp"
#include "shared/protocol/fingerprint.hpp"

#include <arpa/inet.h>

#include <array>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace ftpc::client {

namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

void require(bool done)
{
    if (!done) throw boost::system::system_error{make_error_code(Errc::crypto_failed), "TLS"};
}

// Why the last call of OpenSSL failed.
std::string openssl_reason()
{
    const unsigned long code = ERR_get_error();
    const char* reason = ERR_reason_error_string(code);
    ERR_clear_error();
    if (reason != nullptr) return reason;
    if (code != 0 && !ERR_SYSTEM_ERROR(code)) {
        std::array<char, 120> numbers; // for openssl-errstr(1), that of OpenSSL's texts that are left out
        ERR_error_string_n(code, numbers.data(), numbers.size());
        return numbers.data();
    }
    return errno != 0 ? last_system_error().message() : "unknown error";
}

// Texts for all that can be wrong with keys and files; to load them is a sixteenth of the processor time of a
// `ftpc mkdir`. Those for TLS are libssl's and stay.
void leave_out_texts_of_libcrypto()
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, nullptr);
}

Context make_context()
{
    Context context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
    require(context && SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    // The chain is still checked, but the caller reads the result: a refusal then has a text and a status of
    // its own.
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    // Left to itself, one SSL_read() goes on as long as messages of TLS itself keep coming (session tickets,
    // KeyUpdate), past every deadline.
    // protection: tls-messages
    SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

bool is_address(const std::string& host)
{
    in6_addr ignored;
    return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 || host.find(':') != std::string::npos;
}

// SSL_set_tlsext_host_name() without the C cast in that macro.
bool name_in_hello(SSL* ssl, const std::string& host)
{
    std::string name = host;
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

void expect_name(SSL* ssl, const std::string& host)
{
    if (is_address(host)) {
        const std::string address = host.substr(0, host.find('%'));
        require(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address.c_str()) == 1);
    } else {
        require(SSL_set1_host(ssl, host.c_str()) == 1 && name_in_hello(ssl, host));
    }
}

} // namespace

void TlsStream::Release::operator()(SSL* ssl) const noexcept
{
    SSL_free(ssl);
}

Outcome<TlsStream> TlsStream::over(int fd, const std::string& host, const std::string& ca_file,
                                   CertificateDates dates)
{
    if (ca_file.empty()) leave_out_texts_of_libcrypto();
    const Context context = make_context();
    errno = 0;
    if (!ca_file.empty() && SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1)
        return Failure{ExitStatus::untrusted,
                       "cannot use the CA file " + safe_text(ca_file) + ": " + openssl_reason()};
    TlsStream stream{SSL_new(context.get())};
    require(stream.ssl_ != nullptr && SSL_set_fd(stream.ssl_.get(), fd) == 1);
    expect_name(stream.ssl_.get(), host);
    if (dates == CertificateDates::ignored)
        require(X509_VERIFY_PARAM_set_flags(SSL_get0_param(stream.ssl_.get()), X509_V_FLAG_NO_CHECK_TIME) ==
                1);
    stream.checks_chain_ = !ca_file.empty();
    return stream;
}

TlsStream::Progress TlsStream::progress(int result, std::size_t bytes)
{
    if (result == 1) return {Status::done, bytes};
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
        return {Status::want_read};
    case SSL_ERROR_WANT_WRITE:
        return {Status::want_write};
    case SSL_ERROR_ZERO_RETURN:
        return {Status::closed};
    default:
        problem_ = openssl_reason();
        return {Status::failed};
    }
}

TlsStream::Progress TlsStream::handshake()
{
    ERR_clear_error();
    errno = 0;
    return progress(SSL_connect(ssl_.get()), 0);
}

TlsStream::Progress TlsStream::read(std::span<char> room)
{
    ERR_clear_error();
    errno = 0;
    std::size_t bytes = 0;
    const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &bytes);
    return progress(result, bytes);
}

TlsStream::Progress TlsStream::write(std::string_view text)
{
    ERR_clear_error();
    errno = 0;
    std::size_t bytes = 0;
    const int result = SSL_write_ex(ssl_.get(), text.data(), text.size(), &bytes);
    return progress(result, bytes);
}

void TlsStream::close()
{
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

PeerIdentity TlsStream::peer() const
{
    const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
    require(certificate != nullptr); // TLS 1.3 knows no server without one
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (!checks_chain_) return {fingerprint(certificate), "no certificate authority was named"};
    return {fingerprint(certificate), verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict)};
}

ChannelBinding TlsStream::channel_binding() const
{
    ChannelBinding binding;
    require(SSL_export_keying_material(ssl_.get(), binding.data(), binding.size(),
                                       channel_binding_label.data(), channel_binding_label.size(), nullptr, 0,
                                       1) == 1);
    return binding;
}

} // namespace ftpc::client
