"""What a target answered, what that means, and what becomes of the delivery: three small unions.

``Answer`` is what the channel saw, ``Outcome`` what ``verdict.judge`` makes of it, ``Settlement``
what ``lifecycle.settle`` decides. What a target does is a value; it is never an exception.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

FailureKind: TypeAlias = Literal[
    "timeout",
    "connect",
    "dns",
    "tls",
    "blocked",
    "reset",
    "protocol",
    "interrupted",
    "exhausted",
    "internal",
]


class Response(Struct, frozen=True, kw_only=True, gc=False):
    """A complete status line and headers came back. Header names are lower case."""

    status: int
    headers: dict[str, str]
    excerpt: bytes = b""
    """The first bytes of the body, at most 2 KiB; empty when there was none or it did not come."""
    body: bytes | None = None
    """All of the body, if ``Outbound.whole`` asked for it and it came, whole and not too long."""
    took: int = 0


class TransportFailure(Struct, frozen=True, kw_only=True, gc=False):
    """No complete answer. ``sent`` tells whether the first byte of the request had left."""

    kind: FailureKind
    detail: str
    sent: bool
    took: int = 0


class Member(Struct, frozen=True, kw_only=True):
    """One member's answer within a group; ``name`` is its `host-…` name."""

    name: str
    answer: Response | TransportFailure


class GroupAnswer(Struct, frozen=True, kw_only=True):
    """What all members of a group answered to one attempt."""

    members: tuple[Member, ...]
    took: int = 0


Answer: TypeAlias = Response | TransportFailure | GroupAnswer


class Success(Struct, frozen=True, tag=True, gc=False):
    """The target has it."""


class Failure(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The target does not have it, as far as we know; try again.

    ``retry_after`` (microseconds) was asked for by the target with a 429 or 503, or is a pause of
    our own: it is not counted against the policy, pauses the whole target and does not count for
    the breaker.
    ``reached``: some member of a group did answer 2xx, so the breaker must not count it.
    """

    reason: str
    retry_after: int | None = None
    at_least: int | None = None
    """Counted, but not tried again earlier: some members of a group asked to wait so long."""
    reached: bool = False


class Refusal(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """The target will never take it: dead at once."""

    reason: str


class Untried(Struct, frozen=True, tag=True, gc=False):
    """Nothing left us: give the claim back, uncounted."""


Outcome: TypeAlias = Success | Failure | Refusal | Untried


class Delivered(Struct, frozen=True, tag=True, gc=False):
    """Terminal: a complete 2xx came back."""


class Retry(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Not terminal: due again after ``wait`` microseconds, with ``failures`` counted so far."""

    wait: int
    failures: int
    reason: str


class Dead(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Terminal: kept as a dead letter for ``reason``."""

    reason: str
    failures: int


class Released(Struct, frozen=True, tag=True, gc=False):
    """Not terminal: pending again at once, as if never claimed."""


Settlement: TypeAlias = Delivered | Retry | Dead | Released


class Outbound(Struct, frozen=True, kw_only=True, gc=False):
    """One attempt, ready to send: the same body and headers for every URL of the target."""

    headers: dict[str, str]
    body: bytes
    timeout: int
    """The deadline of the whole exchange, in microseconds."""
    whole: int = 0
    """Up to how many bytes the answer's body is wanted; 0: only its first few."""
