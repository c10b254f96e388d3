"""Decisions of keeping a webhook: what is the matter with it, and when to set it again."""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from hookgram.core.model import HOUR, MINUTE, SECOND, Micros
from hookgram.core.webhook import Webhook, Wish, differences

OFTEN: Micros = 3 * MINUTE
"""Between two looks at a webhook that is right."""
SOON: Micros = MINUTE
"""Until the look after a setting: somebody else may be at it."""
CONTEST_REPAIRS = 3
CONTEST_SPAN: Micros = 10 * MINUTE
CONTEST_PAUSE: Micros = HOUR
FRESH: Micros = 10 * MINUTE
MANY_PENDING = 100
GROWING_LOOKS = 3
WRONG_SECRET = "Wrong response from the webhook: 403"  # noqa: S105  (Telegram's words)


class Memory(Struct, frozen=True, kw_only=True):
    """What is remembered from look to look. Moments are the gateway's clock's."""

    repairs: tuple[Micros, ...] = ()
    """When it was set again, lately, because something else had changed it."""
    hold_until: Micros | None = None
    """While it is contested: when to try once more."""
    pending: int = 0
    growing: int = 0
    """Looks in a row at which more waited than before."""
    error_at: Micros = 0
    """Of the last complaint that was told."""


class Look(NamedTuple):
    """What one look at the webhook says."""

    act: bool
    """Whether to set it now."""
    wrong: tuple[str, ...]
    """What is not as wished, in words."""
    stolen: bool
    """Whether Telegram posts elsewhere, or nowhere, after it was set."""
    contested: bool
    """Whether somebody else sets it too, so that it is set once an hour only."""
    complaint: str | None
    """What Telegram complains of, if that is new."""
    piling: int | None
    """How many updates wait at Telegram, when they have become more and more."""
    memory: Memory
    next_look: Micros


def mark_of(wish: Wish) -> bytes:
    """Return a digest of what is wished, the secret included: Telegram does not tell that one."""
    parts = [wish.url, wish.secret, wish.connections, sorted(wish.allowed)]
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def look(
    webhook: Webhook, wish: Wish, path: str, memory: Memory, *, marked: bytes | None, now: Micros
) -> Look:
    """Judge the webhook as Telegram tells it; *marked* is the mark of what was set last."""
    complaint = webhook.error if _fresh(webhook, memory, now) else None
    wrong = _wrong(webhook, wish, path, marked=marked, complaint=complaint)
    stolen = marked is not None and webhook.url != wish.url
    memory = _remembered(webhook, memory, now, told=complaint is not None)
    if not wrong:
        act, memory = False, _at_peace(memory, now)
    elif marked != mark_of(wish):
        act = True  # no repair: the first setting, or we changed our mind
    else:
        act, memory = _repair(memory, now)
    piling = memory.pending if memory.growing == GROWING_LOOKS else None
    return Look(
        act=act,
        wrong=wrong,
        stolen=stolen,
        contested=memory.hold_until is not None,
        complaint=complaint,
        piling=piling,
        memory=memory,
        next_look=SOON if act else OFTEN,
    )


def _wrong(
    webhook: Webhook, wish: Wish, path: str, *, marked: bytes | None, complaint: str | None
) -> tuple[str, ...]:
    found = differences(webhook, wish, path)
    if not found and marked != mark_of(wish):
        found.append("the secret, which Telegram does not tell")
    if not found and complaint is not None and complaint.startswith(WRONG_SECRET):
        found.append("the secret: what Telegram sends is refused")
    return tuple(found)


def _fresh(webhook: Webhook, memory: Memory, now: Micros) -> bool:
    at = webhook.error_at
    return at is not None and at > max(memory.error_at, now - FRESH)


def _remembered(webhook: Webhook, memory: Memory, now: Micros, *, told: bool) -> Memory:
    more = webhook.pending > memory.pending and webhook.pending >= MANY_PENDING
    return replace(
        memory,
        repairs=tuple(at for at in memory.repairs if now - at < CONTEST_SPAN),
        pending=webhook.pending,
        growing=memory.growing + 1 if more else 0,
        error_at=webhook.error_at or 0 if told else memory.error_at,
    )


def _repair(memory: Memory, now: Micros) -> tuple[bool, Memory]:
    """Decide whether to set again what somebody or something else has changed."""
    if memory.hold_until is None and len(memory.repairs) < CONTEST_REPAIRS:
        return True, replace(memory, repairs=(*memory.repairs, now))
    if memory.hold_until is not None and now < memory.hold_until:
        return False, memory
    # Contested from now on; or the hour is over, for one try.
    return memory.hold_until is not None, replace(memory, hold_until=now + CONTEST_PAUSE)


def _at_peace(memory: Memory, now: Micros) -> Memory:
    """Forget that it was contested once it has stayed right for long enough."""
    if memory.hold_until is None or now < memory.hold_until - CONTEST_PAUSE + CONTEST_SPAN:
        return memory
    return replace(memory, hold_until=None, repairs=())


def pause(times: int, asked: float | None = None) -> Micros:
    """How long to wait after *times* calls in a row that failed; *asked*: what Telegram wants."""
    return max(min(5 * SECOND << min(times - 1, 10), OFTEN), int((asked or 0) * SECOND))
