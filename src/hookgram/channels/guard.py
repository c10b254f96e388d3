"""Which addresses may be called, checked on the address that is dialled, at each dial.

A name may resolve to something else each time it is asked, so nothing is decided before that; and
what was checked is what is connected to, literal addresses included.
"""

from __future__ import annotations

import enum
import socket
from typing import Any

from hookgram.core.addresses import refusal
from hookgram.core.definition import Origin


class Reach(enum.Enum):
    """How far a target may reach."""

    ANY = "any"
    """The operator's own word: private networks and this machine included."""
    PUBLIC = "public"
    """Added at run time: public addresses only."""


class Blocked(OSError):
    """The address may not be called. Its text tells the kind of address, never the address."""


def reach_of(origin: Origin) -> Reach:
    """Return how far targets of this origin may reach."""
    return Reach.PUBLIC if origin is Origin.API else Reach.ANY


def public_socket(info: tuple[Any, ...]) -> socket.socket:
    """Make the socket for an address about to be dialled. Raises Blocked if it is not public.

    *info* is what ``socket.getaddrinfo`` returns for it.
    """
    family, kind, protocol, _, address = info
    try:
        why = refusal(address[0])
    except ValueError:
        why = "not an IP address"
    if why is not None:
        raise Blocked(f"the address may not be called: {why}")
    return socket.socket(family=family, type=kind, proto=protocol)
