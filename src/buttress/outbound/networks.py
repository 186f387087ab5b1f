"""Which addresses of the internet are whose: what may be asked for an address that came from outside. Pure.

Public is only what is known to be: the ranges that IANA's registries of special-purpose addresses (RFC 6890)
set aside are not, nor is what holds an IPv4 address in an IPv6 one that only a tunnel would take apart.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NOT_PUBLIC = tuple(
    ip_network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
        *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
_GLOBAL_UNICAST = ip_network("2000::/3")
_TRANSLATED = ip_network("64:ff9b::/96")
"""IPv4 addresses as an IPv6-only network reaches them (NAT64)."""

_CREDENTIALS = tuple(
    ip_network(one)
    for one in (
        *("169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"),
        *("fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128"),
    )
)


def is_public(address: str) -> bool:
    """Say whether the IP address `address` is one of the internet at large, of nobody's own network.

    Raises:
        ValueError: it is no IP address.
    """
    found = _plain(address)
    if is_barred(address) or any(found in network for network in _NOT_PUBLIC):
        return False
    return found.version == 4 or found in _GLOBAL_UNICAST


def is_barred(address: str) -> bool:
    """Say whether `address` is never asked: link-local, or where clouds hand out a machine's credentials.

    Raises:
        ValueError: it is no IP address.
    """
    found = _plain(address)
    return any(found in network for network in _CREDENTIALS)


def may_be_own(address: str) -> bool:
    """Say whether `address` may be asked by who allows their own networks: loopback and private ones, too.

    Raises:
        ValueError: it is no IP address.
    """
    found = _plain(address)
    return not (is_barred(address) or found.is_multicast or found.is_unspecified or _is_no_place(found))


def _is_no_place(found: IPv4Address | IPv6Address) -> bool:
    return found.version == 4 and found in ip_network("240.0.0.0/4")


def _plain(address: str) -> IPv4Address | IPv6Address:
    """Return it without its zone, and as IPv4 where that is what is reached by it."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv4Address):
        return found
    if found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return IPv4Address(int(found) & 0xFFFFFFFF) if found in _TRANSLATED else found
