// Test vectors, computed by make_vectors.py beside this file; not written by hand.
#pragma once

#include <array>
#include <string_view>

// clang-format off
namespace ftpc::test::vectors {

struct PrehashVector {
    std::string_view password;
    std::string_view realm;
    std::string_view user;
    std::string_view prehash; // base64
};
inline constexpr std::array prehashes{
    PrehashVector{"correct horse battery staple",
        "6f2c8e1bd0a94f7793ab5c44e1d2f0a7", "alice",
        "9UDay0E7lHRTvxizqmSoriygABmc84q3+qWNC4TnH/A"},
    PrehashVector{"密码很长，但是记得住",
        "6f2c8e1bd0a94f7793ab5c44e1d2f0a7", "alice",
        "etqT3+K/0p/Qf0/UmPpd+MRDTPfns2gAsxdxlEqMhXQ"},
    PrehashVector{" ",
        "r", "_",
        "owacfnnH+VjXqdw4EzICS/syETGBI36fSFLo38LbOhA"},
    PrehashVector{"boundary",
        "ab", "c",
        "4UdSQa+ECzoGM4jSEbIFgvFurA8hyColLJgbL7l04PU"},
    PrehashVector{"boundary",
        "a", "bc",
        "3jAkajXmbboIzIgybmcSOEho/esZreyrqyfPY1zt5kM"},
    PrehashVector{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR", "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
        "+1bk7n0Zp+JxsiuFlPWF+kqxIdL0+jKcEJGqw2pgehY"},
};

// The stored hash for the first of them.
struct PhcVector {
    std::string_view pepper; // hexadecimal; empty if there is none
    std::string_view text;
};
inline constexpr std::string_view phc_salt = "000102030405060708090a0b0c0d0e0f"; // hexadecimal
inline constexpr std::array phcs{
    PhcVector{"",
        "$scrypt$ln=15,r=8,p=3$AAECAwQFBgcICQoLDA0ODw$Qg5W4hntYClafTv/Kewp5SBSHdH00Q3tdkg5vBjZTJc"},
    PhcVector{"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
        "$scrypt$ln=15,r=8,p=3,pepper=72dbb733$AAECAwQFBgcICQoLDA0ODw$AsPrEoqecqWRor+i8jkeazsgXYIGHW13X2jdFasekQ0"},
    PhcVector{"",
        "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$86NJHg9XBxSGJYVgIgkOmRCssPtv4CYnTZX/8quMHmM"},
};

// Hexadecimal, the signature in base64.
inline constexpr std::string_view session_private_key = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
inline constexpr std::string_view session_public_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
inline constexpr std::string_view session_binding = "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf";
inline constexpr std::string_view session_id = "00112233445566778899aabbccddeeff";
inline constexpr std::string_view session_user = "alice";
inline constexpr std::string_view session_signature =
    "aJcnBMQ+z45qrq66elUBpaYlAXEohWPiRSehFHGnU7xAeJCjR/H+P7R4wea7nC4TrtzeqzAjsvX2uvF8fWdcCQ";

} // namespace ftpc::test::vectors
