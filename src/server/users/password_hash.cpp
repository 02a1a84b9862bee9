#include "server/users/password_hash.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "shared/base/numbers.hpp"
#include "shared/crypto/digest.hpp"

#include <span>

namespace ftpc::server {

namespace {

// Takes the parts of a text off its front.
class Cursor {
public:
    explicit Cursor(std::string_view text) : rest_{text} {}

    bool literal(std::string_view expected)
    {
        if (!rest_.starts_with(expected)) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }

    // Decimal without leading zeros, so that every hash has one text only.
    bool number(unsigned& out)
    {
        const std::string_view digits = rest_.substr(0, rest_.find_first_not_of("0123456789"));
        const auto number = parse_number<unsigned>(digits);
        if (!number || digits.starts_with('0')) return false;
        out = *number;
        rest_.remove_prefix(digits.size());
        return true;
    }

    // The text before the next '$' or the end, with that '$' taken too.
    std::string_view field()
    {
        const auto end = rest_.find('$');
        const std::string_view field = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        return field;
    }

    bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

bool read_pepper_id(std::string_view parameter, std::optional<PepperId>& out)
{
    if (parameter.empty()) return true;
    constexpr std::string_view label = ",pepper=";
    return parameter.starts_with(label) && hex_decode_into(parameter.substr(label.size()), out.emplace());
}

std::array<std::uint8_t, 32> compute(const Prehash& prehash, std::span<const std::uint8_t> salt,
                                     const ScryptCost& cost, const Pepper* pepper)
{
    const SecretBytes<32> input = pepper != nullptr ? pepper->mix(prehash) : prehash;
    std::array<std::uint8_t, 32> out{};
    scrypt({reinterpret_cast<const char*>(input.data()), input.size()}, salt, cost, out);
    return out;
}

} // namespace

Result<PasswordHash> parse_password_hash(std::string_view text)
{
    PasswordHash hash;
    Cursor in{text};
    const bool has_cost = in.literal("$scrypt$ln=") && in.number(hash.cost.ln) && in.literal(",r=") &&
                          in.number(hash.cost.r) && in.literal(",p=") && in.number(hash.cost.p);
    if (!has_cost || !is_allowed(hash.cost) || !read_pepper_id(in.field(), hash.pepper))
        return Errc::bad_hash;
    if (!base64_decode_into(in.field(), hash.salt)) return Errc::bad_hash;
    const std::string_view last = in.field();
    if (!in.at_end() || text.ends_with('$') || !base64_decode_into(last, hash.hash)) return Errc::bad_hash;
    return hash;
}

std::string to_text(const PasswordHash& hash)
{
    std::string text = "$scrypt$ln=" + std::to_string(hash.cost.ln) + ",r=" + std::to_string(hash.cost.r) +
                       ",p=" + std::to_string(hash.cost.p);
    if (hash.pepper) text += ",pepper=" + hex_encode(*hash.pepper);
    return text + "$" + base64_encode(hash.salt) + "$" + base64_encode(hash.hash);
}

PasswordHash make_password_hash(const Prehash& prehash, const ScryptCost& cost, const Pepper& pepper)
{
    PasswordHash made{.cost = cost, .pepper = pepper.id(), .salt = {}, .hash = {}};
    fill_random(made.salt);
    made.hash = compute(prehash, made.salt, cost, pepper.id() ? &pepper : nullptr);
    return made;
}

bool verify_password(const Prehash& prehash, const PasswordHash& stored, const Pepper& pepper)
{
    const bool can_match = !stored.pepper || stored.pepper == pepper.id();
    const bool mixed = stored.pepper && can_match;
    const auto computed = compute(prehash, stored.salt, stored.cost, mixed ? &pepper : nullptr);
    return constant_time_equal(computed, stored.hash) && can_match;
}

bool needs_renewal(const PasswordHash& stored, const ScryptCost& cost, const Pepper& pepper)
{
    return stored.cost != cost || stored.pepper != pepper.id();
}

} // namespace ftpc::server
