#!/usr/bin/env python3
"""Computes the test vectors of docs/protocol.md without any code of ftpc.

Digests and scrypt come from Python's hashlib and hmac, the Ed25519 signature from the openssl command.

    make_vectors.py                          prints the tables of docs/protocol.md and the header for the tests
    make_vectors.py --check PAGE HEADER      fails unless PAGE shows these tables and HEADER is this header
    make_vectors.py --header                 prints the header for the tests alone
"""

import base64
import hashlib
import hmac
import pathlib
import subprocess
import sys
import tempfile

REALM = "6f2c8e1bd0a94f7793ab5c44e1d2f0a7"

# (password, realm, user, what the row shows). Rows 4 and 5 have the same letters in a row, parted elsewhere: the
# lengths in the salt tell them apart.
PREHASH_INPUTS = [
    ("correct horse battery staple", REALM, "alice", "an ordinary one"),
    ("密码很长，但是记得住", REALM, "alice", "not ASCII"),
    (" ", "r", "_", "the shortest of everything; a space counts"),
    ("boundary", "ab", "c", "realm and user are counted, ..."),
    ("boundary", "a", "bc", "... not run together"),
    ("x" * 1024, "R" * 64, "u" * 32, "the longest of everything: 1,024 x, 64 R, 32 u"),
]

PHC_SALT = bytes(range(16))
PEPPER = bytes(range(32, 64))

# (ln, r, p, pepper)
PHC_INPUTS = [
    (15, 8, 3, None),
    (15, 8, 3, PEPPER),
    (10, 8, 1, None),
]

SESSION_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")  # RFC 8032 §7.1, 1
SESSION_BINDING = bytes(range(0xA0, 0xC0))
SESSION_ID = bytes.fromhex("00112233445566778899aabbccddeeff")
SESSION_USER = "alice"


def b64(data):
    return base64.b64encode(data).decode().rstrip("=")


def counted(text):
    data = text.encode()
    return len(data).to_bytes(4, "big") + data


def scrypt(secret, salt, ln, r, p):
    return hashlib.scrypt(secret, salt=salt, n=1 << ln, r=r, p=p, maxmem=1 << 30, dklen=32)


def prehash(password, realm, user):
    salt = hashlib.sha256(b"ftpc-prehash-v1" + counted(realm) + counted(user)).digest()
    return scrypt(password.encode(), salt, 14, 8, 1)


def phc(digest, ln, r, p, pepper):
    secret, mark = digest, ""
    if pepper is not None:
        secret = hmac.new(pepper, digest, hashlib.sha256).digest()
        mark = ",pepper=" + hashlib.sha256(pepper).hexdigest()[:8]
    return f"$scrypt$ln={ln},r={r},p={p}{mark}${b64(PHC_SALT)}${b64(scrypt(secret, PHC_SALT, ln, r, p))}"


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.PIPE).stdout


def session_vector():
    """The public key of SESSION_SEED, and its signature over the text that SITE AUTH SESSKEY1 signs."""
    with tempfile.TemporaryDirectory() as directory:
        key, text = pathlib.Path(directory, "key"), pathlib.Path(directory, "text")
        # PrivateKeyInfo (RFC 8410 §7) around the seed.
        key.write_bytes(bytes.fromhex("302e020100300506032b657004220420") + SESSION_SEED)
        text.write_bytes(b"ftpc-sess-v1" + SESSION_BINDING + SESSION_ID + SESSION_USER.encode())
        public = openssl("pkey", "-inform", "DER", "-in", str(key), "-pubout", "-outform", "DER")[-32:]
        signature = openssl("pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", str(key), "-in", str(text))
    return public, signature


def shown(text):
    """A text of one letter many times is shown as a count, so that the tables stay readable."""
    return f"{len(text)} × `{text[0]}`" if len(text) > 8 and len(set(text)) == 1 else f"`{text}`"


def prehash_table(prehashes):
    rows = ["| password | realm | user | prehash, b64 | |", "|---|---|---|---|---|"]
    for (password, realm, user, note), digest in zip(PREHASH_INPUTS, prehashes):
        rows.append(f"| {shown(password)} | {shown(realm)} | {shown(user)} | `{b64(digest)}` | {note} |")
    return "\n".join(rows)


def phc_table(phcs):
    lines = [
        "For the prehash of the first row above, the salt `000102…0f` (16 bytes) and, where it says `pepper`, the pepper",
        "`202122…3f` (32 bytes):",
        "",
    ]
    return "\n".join(lines + ["    " + text for text in phcs])


def session_table(public, signature):
    rows = [
        ("private key (seed), hex", SESSION_SEED.hex()),
        ("public key, hex", public.hex()),
        ("public key, b64", b64(public)),
        ("binding, hex", SESSION_BINDING.hex()),
        ("id, hex", SESSION_ID.hex()),
        ("user", SESSION_USER),
        ("signature, b64", b64(signature)),
    ]
    return "\n".join(["| | |", "|---|---|"] + [f"| {name} | `{value}` |" for name, value in rows])


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def header(prehashes, phcs, public, signature):
    lines = [
        "// Test vectors, computed by make_vectors.py beside this file; not written by hand.",
        "#pragma once",
        "",
        "#include <array>",
        "#include <string_view>",
        "",
        "// clang-format off",
        "namespace ftpc::test::vectors {",
        "",
        "struct PrehashVector {",
        "    std::string_view password;",
        "    std::string_view realm;",
        "    std::string_view user;",
        "    std::string_view prehash; // base64",
        "};",
        "inline constexpr std::array prehashes{",
    ]
    for (password, realm, user, _), digest in zip(PREHASH_INPUTS, prehashes):
        lines.append(f"    PrehashVector{{{quoted(password)},")
        lines.append(f"        {quoted(realm)}, {quoted(user)},")
        lines.append(f"        {quoted(b64(digest))}}},")
    lines += [
        "};",
        "",
        "// The stored hash for the first of them.",
        "struct PhcVector {",
        "    std::string_view pepper; // hexadecimal; empty if there is none",
        "    std::string_view text;",
        "};",
        f"inline constexpr std::string_view phc_salt = {quoted(PHC_SALT.hex())}; // hexadecimal",
        "inline constexpr std::array phcs{",
    ]
    for (_, _, _, pepper), text in zip(PHC_INPUTS, phcs):
        lines.append(f"    PhcVector{{{quoted(pepper.hex() if pepper else '')},")
        lines.append(f"        {quoted(text)}}},")
    lines += [
        "};",
        "",
        "// Hexadecimal, the signature in base64.",
        f"inline constexpr std::string_view session_private_key = {quoted(SESSION_SEED.hex())};",
        f"inline constexpr std::string_view session_public_key = {quoted(public.hex())};",
        f"inline constexpr std::string_view session_binding = {quoted(SESSION_BINDING.hex())};",
        f"inline constexpr std::string_view session_id = {quoted(SESSION_ID.hex())};",
        f"inline constexpr std::string_view session_user = {quoted(SESSION_USER)};",
        "inline constexpr std::string_view session_signature =",
        f"    {quoted(b64(signature))};",
        "",
        "} // namespace ftpc::test::vectors",
        "",
    ]
    return "\n".join(lines)


def check(page, header_file, tables, header_text):
    shown_page = pathlib.Path(page).read_text(encoding="utf-8")
    wrong = [f"{page}: does not show this table:\n\n{table}\n" for table in tables if table not in shown_page]
    if pathlib.Path(header_file).read_text(encoding="utf-8") != header_text:
        wrong.append(f"{header_file}: differs from what make_vectors.py --header prints")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def main(arguments):
    prehashes = [prehash(password, realm, user) for password, realm, user, _ in PREHASH_INPUTS]
    phcs = [phc(prehashes[0], *inputs) for inputs in PHC_INPUTS]
    public, signature = session_vector()
    tables = [prehash_table(prehashes), phc_table(phcs), session_table(public, signature)]
    header_text = header(prehashes, phcs, public, signature)
    if arguments[:1] == ["--check"] and len(arguments) == 3:
        return check(arguments[1], arguments[2], tables, header_text)
    if arguments == ["--header"]:
        print(header_text, end="")
    elif not arguments:
        print("\n\n".join(tables), header_text, sep="\n\n", end="")
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
