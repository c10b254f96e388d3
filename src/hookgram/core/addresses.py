"""Which IP addresses a target added at run time may have: an own table.

The standard library's words will not do: its ``is_global`` says yes to NAT64 of 127.0.0.1, to
multicast and to a cloud's metadata server. IPv4 is allowed everywhere but in the blocks listed
here, IPv6 within 2000::/3 only, again without the listed blocks. Sources: IANA's special-purpose
registries, and the lists of Svix (webhook_http_client.rs) and Stripe's Smokescreen (classifyAddr).
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

BLOCKED_V4: dict[IPv4Network, str] = {
    IPv4Network(block): why
    for block, why in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a provider, metadata"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "metadata"),
        ("169.254.0.0/16", "link-local, metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments, metadata"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarks"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved, broadcast"),
    )
}
BLOCKED_V6: dict[IPv6Network, str] = {
    IPv6Network(block): why
    for block, why in (
        ("2001::/23", "protocol assignments, Teredo"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4: holds an IPv4 address"),
        ("3fff::/20", "documentation"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("64:ff9b::/96", "NAT64: holds an IPv4 address"),
        ("64:ff9b:1::/48", "NAT64: holds an IPv4 address"),
        ("fc00::/7", "unique local, metadata"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
    )
}
GLOBAL_V6 = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")


def refusal(address: str | IPv4Address | IPv6Address) -> str | None:
    """Say why an address may not be called; None when it may. Raises ValueError on no address."""
    parsed = ip_address(address) if isinstance(address, str) else address
    if isinstance(parsed, IPv4Address):
        return next((why for block, why in BLOCKED_V4.items() if parsed in block), None)
    if parsed.scope_id is not None:
        return "has a zone"
    if parsed in _MAPPED:
        return refusal(IPv4Address(int(parsed) & 0xFFFF_FFFF))
    listed = next((why for block, why in BLOCKED_V6.items() if parsed in block), None)
    return listed or (None if parsed in GLOBAL_V6 else "not a global address")
