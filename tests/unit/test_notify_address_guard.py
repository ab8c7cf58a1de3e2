from __future__ import annotations

from ipaddress import ip_network

import pytest

from services.notify.address_guard import refusal


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("0.0.0.0", "unspecified"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("100.127.255.255", "carrier-grade NAT"),
        ("127.0.0.1", "loopback"),
        ("168.63.129.16", "cloud metadata"),
        ("169.254.169.254", "link-local"),
        ("172.31.255.255", "private"),
        ("192.0.0.192", "reserved"),
        ("192.168.1.1", "private"),
        ("198.19.0.1", "benchmarking"),
        ("203.0.113.9", "documentation"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::7f00:1", "reserved"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::ffff:0:127.0.0.1", "reserved"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b:1::a00:1", "reserved"),
        ("100::1", "reserved"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::", "6to4"),
        ("fd00:ec2::254", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%2", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
    ],
)
def test_special_addresses_are_refused_with_their_kind(address: str, word: str) -> None:
    said = refusal(address) or ""
    assert said.endswith((f" is a {word} address", f" is an {word} address"))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "223.255.255.255",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2606:4700::1111",
        "2a00:1450:4001::200e",
    ],
)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert refusal(address) is None


@pytest.mark.parametrize(
    ("network", "address", "reachable"),
    [
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8", "::ffff:127.0.0.1", True),
        ("127.0.0.0/8", "64:ff9b::7f00:1", True),
        ("127.0.0.0/8", "::1", False),
        ("127.0.0.0/8", "10.0.0.1", False),
        ("10.1.0.0/16", "10.2.0.1", False),
        ("fd00::/8", "fd12::1", True),
        ("2002::/16", "2002:a00:1::", True),
    ],
)
def test_an_allowed_network_is_reached_and_no_other(
    network: str, address: str, reachable: bool
) -> None:
    assert (refusal(address, [ip_network(network)]) is None) == reachable


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"127\.1"):
        refusal("127.1")
