#include "server/ipc/peer_text.hpp"

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

namespace ftpc::server {

namespace ip = boost::asio::ip;

ipc::PeerAddress peer_address(const ip::address& address)
{
    return address.is_v6() ? address.to_v6().to_bytes()
                           : ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes();
}

std::string peer_text(const ipc::PeerAddress& peer)
{
    const ip::address_v6 address{peer};
    return address.is_v4_mapped() ? ip::make_address_v4(ip::v4_mapped, address).to_string()
                                  : address.to_string();
}

} // namespace ftpc::server
