"""Which addresses a target added at run time may have."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgram.core.addresses import BLOCKED_V4, BLOCKED_V6, GLOBAL_V6, refusal

LAST_BEFORE_AND_FIRST_AFTER_V4 = [
    "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0",
    "168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0",
    "191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0",
    "198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0",
    "223.255.255.255 8.8.8.8 149.154.167.220",
]
PUBLIC_V6 = [
    "2000:: 2001:200:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9:: 2003:: 2606:4700::1111",
    "2001:67c:4e8:f004::9 2a00:1450:4001::8a 3ffe:ffff:: 3fff:1000::",
    "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]
INSIDE = [
    "0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.255 168.63.129.16",
    "169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1",
    "192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250",
    "240.0.0.1 255.255.255.255",
    ":: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::7f00:1 64:ff9b:1::1",
    "100::1 100:0:0:1::1 2001::1 2001:1ff:ffff:: 2001:db8::1 2002:7f00:1:: 2002:808:808::",
    "3fff::1 3fff:fff:: 5f00::1 1fff:ffff:: 4000:: fc00::1 fd00:ec2::254",
    "fe80::1 fec0::1 ff02::1 fe80::1%eth0 2606:4700::1%1",
]


def words(lines: list[str]) -> list[str]:
    return " ".join(lines).split()


@pytest.mark.parametrize("address", words(LAST_BEFORE_AND_FIRST_AFTER_V4 + PUBLIC_V6))
def test_public_addresses_may_be_called(address):
    assert refusal(address) is None


@pytest.mark.parametrize("address", words(INSIDE))
def test_what_lies_around_us_may_not(address):
    assert refusal(address)


@pytest.mark.parametrize(("block", "why"), [*BLOCKED_V4.items(), *BLOCKED_V6.items()], ids=str)
def test_each_listed_block_is_refused_from_its_first_to_its_last_address(block, why):
    assert refusal(block[0]) == why
    assert refusal(block[-1]) == why
    assert refusal(str(block[block.num_addresses // 2])) == why


V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(IPv6Address)


@given(V4)
def test_an_ipv4_address_in_ipv6_clothes_is_judged_as_what_it_is(address):
    assert refusal(f"::ffff:{address}") == refusal(address)


@given(V4)
def test_no_other_way_to_hold_an_ipv4_address_is_allowed(address):
    number = int(address)
    nat64 = IPv6Address((0x64FF9B << 96) | number)
    six_to_four = IPv6Address((0x2002 << 112) | (number << 80))
    teredo = IPv6Address((0x20010000 << 96) | number)
    for other in (nat64, six_to_four, teredo, IPv6Address(number)):
        assert refusal(other)


@given(V4)
def test_every_ipv4_address_is_refused_or_outside_every_block(address):
    assert (refusal(address) is None) == (not any(address in block for block in BLOCKED_V4))


@given(V6)
def test_no_ipv6_address_outside_the_global_block_is_allowed_unless_it_is_ipv4(address):
    mapped = address in IPv6Network("::ffff:0:0/96")
    assert mapped or address in GLOBAL_V6 or refusal(address)


@given(V4 | V6)
def test_what_the_standard_library_calls_private_is_never_allowed(address):
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert refusal(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "2130706433", "0x7f.1", "1.2.3.4.5", "[::1]"]
)
def test_what_is_no_address_is_an_error(text):
    with pytest.raises(ValueError):  # noqa: PT011  (the standard library's words)
        refusal(text)
