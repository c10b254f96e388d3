"""Which addresses may be called, checked on the address that is dialled, at each dial.

A name may resolve to something else each time it is asked, so nothing is decided before that.
"""

from __future__ import annotations

import enum
import socket
from typing import Any

from hookgram.core.addresses import refusal
from hookgram.core.model import Origin


class Reach(enum.Enum):
    """How far a target may reach."""

    ANY = "any"
    """The operator's own word: private networks and this machine included."""
    PUBLIC = "public"
    """Added at run time: public addresses only."""


class Blocked(OSError):
    """The address may not be called."""


def reach_of(origin: Origin) -> Reach:
    """Return how far targets of this origin may reach."""
    return Reach.PUBLIC if origin is Origin.API else Reach.ANY


def public_socket(info: tuple[Any, ...]) -> socket.socket:
    """Make the socket for an address about to be dialled; raises Blocked if it is not public.

    *info* is what ``socket.getaddrinfo`` returns for it.
    """
    family, kind, protocol, _, address = info
    why = refusal(address[0])
    if why is not None:
        raise Blocked(f"{address[0]} may not be called: {why}")
    return socket.socket(family=family, type=kind, proto=protocol)
