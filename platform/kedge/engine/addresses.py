"""Which addresses of the network may be asked on behalf of somebody.

The platform asks from inside its own network: where somebody else chose the address, only the
public internet is asked, unless the installation says otherwise. The address that was checked
is the one to connect to: a name may lead elsewhere a moment later.
"""

from __future__ import annotations

import ipaddress
import socket
import urllib.request
from collections.abc import Callable, Sequence

import httpx

# An IPv4 address in IPv6 clothes (RFC 6052): Python calls all of them global.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")

# Networks of one's own: RFC 1918, RFC 6598 (as VPNs use it), RFC 4193.
_PRIVATE = tuple(
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)

MayAsk = Callable[[str], bool]
Resolve = Callable[[str, int], Sequence[str]]


def addresses_of(host: str, port: int) -> Sequence[str]:
    """The addresses a name stands for, in the order to try them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also in its IPv6 disguises."""
    ip = _undisguised(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local:
        return False
    return ip.is_global and not ip.is_multicast


def is_public_or_private(address: str) -> bool:
    """Whether it is public, or of a private network; never this machine, never link-local."""
    ip = _undisguised(address)
    return is_public(address) or any(
        ip.version == network.version and ip in network for network in _PRIVATE
    )


def is_public_or_own(address: str) -> bool:
    """Whether it is public, of a private network, or this machine; never link-local."""
    return is_public_or_private(address) or _undisguised(address).is_loopback


def said_by(place: httpx.URL) -> Sequence[str]:
    """The address a place says itself; others are to be looked up."""
    host = place.host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return ["127.0.0.1"]
    return [host] if is_address(host) else []


def name_of(place: httpx.URL) -> str:
    """The host as it stands in a certificate and in DNS (IDNA)."""
    return place.raw_host.decode("ascii")


def is_address(host: str) -> bool:
    """Whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def has_proxy(place: httpx.URL) -> bool:
    """Whether the environment sends requests for this address through a proxy."""
    return place.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(
        place.host
    )


def _undisguised(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if not isinstance(ip, ipaddress.IPv6Address):
        return ip
    if ip in _TRANSLATED:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or ip
