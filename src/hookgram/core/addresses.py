"""Which IP addresses a target added at run time may have.

An own table, for none of the standard library's words ("global", "private") is a guard against
calls into the network around us (it calls NAT64 and 6to4 of 127.0.0.1 global).

IPv6 is allowed within 2000::/3 only, without the blocks listed here; IPv4 everywhere but in them.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

_V4: dict[str, str] = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by a provider",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local, metadata",
    "168.63.129.16/32": "metadata",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "reserved",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "relay",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_V6: dict[str, str] = {
    "2001::/23": "special, Teredo",
    "2001:db8::/32": "documentation",
    "2002::/16": "holds an IPv4 address (6to4)",
    "3fff::/20": "documentation",
}
_GLOBAL = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")


def _table(blocks: dict[str, str]) -> tuple[tuple[IPv4Network | IPv6Network, str], ...]:
    return tuple((ip_network(block), why) for block, why in blocks.items())


_BLOCKED_V4 = _table(_V4)
_BLOCKED_V6 = _table(_V6)


def refusal(address: str | IPv4Address | IPv6Address) -> str | None:
    """Say why an address may not be called; None when it may. Raises ValueError on no address."""
    parsed = ip_address(address) if isinstance(address, str) else address
    if isinstance(parsed, IPv6Address):
        if parsed.scope_id is not None:
            return "link-local"
        if parsed in _MAPPED:
            return refusal(IPv4Address(int(parsed) & 0xFFFF_FFFF))
        if parsed not in _GLOBAL:
            return "not a global address"
        return next((why for block, why in _BLOCKED_V6 if parsed in block), None)
    return next((why for block, why in _BLOCKED_V4 if parsed in block), None)
