#include "server/transport/tls/tls_role.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <cstring>
#include <new>
#include <stdexcept>
#include <string_view>

namespace ftpc::server {

namespace {

int role_index()
{
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

const TlsRole* role_of(const SSL* ssl)
{
    return static_cast<const TlsRole*>(SSL_get_ex_data(ssl, role_index()));
}

// A SSL_CTX_generate_session_ticket_fn: the id travels inside the ticket, encrypted with the key of the
// context.
int put_id_into_ticket(SSL* ssl, void*)
{
    const TlsRole* const role = role_of(ssl);
    if (role == nullptr) return 0;
    const TlsRole::Id& id = role->control_connection;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), id.data(), id.size());
}

bool has_id(SSL_SESSION* session, const TlsRole::Id& id)
{
    void* data = nullptr;
    std::size_t size = 0;
    return SSL_SESSION_get0_ticket_appdata(session, &data, &size) == 1 && size == id.size() &&
           CRYPTO_memcmp(data, id.data(), size) == 0;
}

// A SSL_CTX_decrypt_session_ticket_fn.
// NOLINTNEXTLINE(readability-function-size): OpenSSL gives it so many parameters
SSL_TICKET_RETURN judge_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t,
                               SSL_TICKET_STATUS status, void*)
{
    const TlsRole* const role = role_of(ssl);
    if (role == nullptr) return SSL_TICKET_RETURN_IGNORE;
    // Without resumption, but with a new ticket, which TLS 1.2 gives out in the handshake.
    if (role->kind == TlsRole::Kind::control) return SSL_TICKET_RETURN_IGNORE_RENEW;
    const bool decrypted = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    // protection: ticket-of-another
    if (decrypted && has_id(session, role->control_connection)) return SSL_TICKET_RETURN_USE_RENEW;
    return SSL_TICKET_RETURN_IGNORE;
}

// RFC 7301 §3.2: a client that speaks something else, such as a browser led here, is turned away.
int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_bytes,
                    const unsigned char* offered, unsigned offered_bytes, void*)
{
    const TlsRole* const role = role_of(ssl);
    if (role == nullptr || role->alpn == nullptr) return SSL_TLSEXT_ERR_NOACK;
    const std::string_view ours{role->alpn};
    unsigned char* chosen = nullptr;
    const int result =
        SSL_select_next_proto(&chosen, out_bytes, reinterpret_cast<const unsigned char*>(ours.data()),
                              static_cast<unsigned>(ours.size()), offered, offered_bytes);
    *out = chosen;
    // protection: alpn
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace

TlsRole::Id random_tls_role_id()
{
    TlsRole::Id id{};
    if (RAND_bytes(id.data(), static_cast<int>(id.size())) != 1)
        throw std::runtime_error{"OpenSSL has no random numbers"};
    return id;
}

void follow_roles(SSL_CTX* context)
{
    // A client may use its ticket as long as its control connection lasts; this is the most that TLS allows
    // (RFC 8446 §4.6.1).
    constexpr long longest_seconds = 7L * 24 * 60 * 60;
    SSL_CTX_set_timeout(context, longest_seconds);
    SSL_CTX_set_session_ticket_cb(context, put_id_into_ticket, judge_ticket, nullptr);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
}

void set_role(SSL* ssl, const TlsRole& role)
{
    SSL_set_ex_data(ssl, role_index(), const_cast<TlsRole*>(&role));
    SSL_set_num_tickets(ssl, role.tickets);
    if (role.kind == TlsRole::Kind::control && role.tickets == 0) SSL_set_options(ssl, SSL_OP_NO_TICKET);
}

} // namespace ftpc::server
