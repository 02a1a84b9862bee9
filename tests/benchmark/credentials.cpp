#include "benchmark/credentials.hpp"

#include "benchmark/event_loop.hpp"
#include "shared/base/base64.hpp"
#include "shared/protocol/prehash.hpp"

#include <optional>
#include <stdexcept>

namespace ftpc::benchmark {

namespace {

// One session, one command, one reply.
class Question : private Load {
public:
    Question(const Target& target, SSL_CTX* context, const Credentials& credentials)
        : pool_{loop_, target, context, credentials}
    {
        pool_.set_load(*this);
        pool_.open(1);
    }

    // The text of the reply, which must have this code.
    std::string ask(const std::string& command, int code)
    {
        answer_.reset();
        FtpSession& session = *pool_.sessions().front();
        session.outgoing() += command + "\r\n";
        loop_.flush(session);
        while (!answer_)
            loop_.round(1000);
        if (code_ != code) throw std::runtime_error{"asked for " + command + ", got: " + *answer_};
        return *answer_;
    }

private:
    void on_reply(FtpSession&, const Reply& reply) override
    {
        code_ = reply.code;
        answer_ = reply.text;
    }
    void on_replies_read(FtpSession&) override {}

    EventLoop loop_;
    SessionPool pool_;
    int code_ = 0;
    std::optional<std::string> answer_;
};

// The word behind `label` in a reply.
std::string word_after(const std::string& text, const std::string& label)
{
    const auto at = text.find(label);
    if (at == std::string::npos) throw std::runtime_error{"the server does not say '" + label + "'"};
    const auto begin = at + label.size();
    return text.substr(begin, text.find_first_of(" \r\n", begin) - begin);
}

std::string make_prehash(const Target& target, SSL_CTX* context, const std::string& user,
                         const std::string& password)
{
    const Credentials nobody;
    const auto features = Question{target, context, nobody}.ask("FEAT", 211);
    return base64_encode(prehash(password, word_after(features, "SITE REALM "), user));
}

void enrol(Credentials& credentials, const Target& target, SSL_CTX* context)
{
    credentials.method = Method::prehash;
    const auto pair = make_session_key_pair();
    const auto reply =
        Question{target, context, credentials}.ask("SITE SESSION NEW " + base64_encode(pair.public_key), 200);
    if (!hex_decode_into(word_after(reply, "SESSION "), credentials.session_id))
        throw std::runtime_error{"not a session id: " + reply};
    credentials.session_key = pair.private_key;
    credentials.method = Method::session_key;
}

} // namespace

Credentials make_credentials(const std::string& method, const Target& target, SSL_CTX* context,
                             const std::string& user, const std::string& password)
{
    Credentials credentials;
    credentials.method = Method::password;
    credentials.user = user;
    credentials.password = password;
    if (method == "password") return credentials;
    if (method != "prehash" && method != "session-key")
        throw std::runtime_error{"a login is by password, prehash or session-key, not by " + method};
    credentials.prehash = make_prehash(target, context, user, password);
    credentials.method = Method::prehash;
    if (method == "session-key") enrol(credentials, target, context);
    return credentials;
}

} // namespace ftpc::benchmark
