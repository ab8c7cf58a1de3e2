"""Which network addresses a message may be sent to. Pure.

Whoever may write a webhook URL could otherwise make the monitor call what only the monitor can
reach: itself, its neighbours, a cloud's metadata service. The ranges are those of the IANA
special-purpose address registries (RFC 6890 and its updates), written out here because the
flags of ``ipaddress`` differ between patch versions of Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_RANGES: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(text), word)
    for text, word in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def refusal(address: str, allow: Iterable[Network] = ()) -> str | None:
    """Why ``address`` (as a resolver returns it) must not be reached; None when it may.

    ``allow`` names networks that may be reached although they are special. An IPv4 address
    inside an IPv4-mapped or NAT64 address is judged in its place, since that is where the
    packets end; 6to4 and Teredo tunnels are refused whole. ValueError when it is no address.
    """
    judged = ip_address(address)
    target = _destination(judged)
    if any(_inside(form, network) for form in (judged, target) for network in allow):
        return None
    word = next(_words(target), None)
    if word is None:
        return None
    inner = "" if target == judged else f", which leads to {target},"
    article = "an" if word[0] in "aeiou" else "a"
    return f"{judged}{inner} is {article} {word} address"


def _words(address: Address) -> Iterator[str]:
    for network, word in _RANGES:
        if _inside(address, network):
            yield word
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        yield "reserved"


def _destination(address: Address) -> Address:
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _inside(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network
