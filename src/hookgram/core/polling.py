"""Decisions of polling: what an answer of ``getUpdates`` holds, where to go on, when to ask again.

An answer is cut into the bytes of its updates as they came; nothing is ever written anew. What
cannot be read in one of them must not stop the others: a whole bot would hang on it for a day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from hookgram.core.model import MINUTE, SECOND, Micros
from hookgram.core.reading import Reading

LARGEST_ID = 2**63 - 2
FIRST_PAUSE: Micros = SECOND
LONGEST_PAUSE: Micros = MINUTE

_START = re.compile(rb'\s*\{\s*"ok"\s*:\s*true\s*,\s*"result"\s*:\s*\[\s*')
_BETWEEN = b" \t\r\n,"
_MARK = re.compile(rb'\{\s*"update_id"\s*:')
"""Begins each update, and stands nowhere else: within a string its quotes would be escaped."""
_ID = re.compile(rb'\{\s*"update_id"\s*:\s*([0-9]{1,19})\s*[,}]')


class _Answer(Struct):
    ok: bool
    result: list[Raw]


_answer = msgspec.json.Decoder(_Answer)


def split(answer: bytes) -> list[bytes] | None:
    """Cut an answer into its updates, byte for byte; None when it is no answer of updates.

    One that is no JSON is cut where updates begin, so that only the broken one is unreadable.
    """
    try:
        read = _answer.decode(answer)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _split_broken(answer)
    return [bytes(update) for update in read.result] if read.ok else None


def _split_broken(answer: bytes) -> list[bytes] | None:
    start = _START.match(answer)
    if start is None:
        return None
    inner = answer[start.end() :].rstrip().removesuffix(b"}").rstrip().removesuffix(b"]")
    marks = [mark.start() for mark in _MARK.finditer(inner)]
    cuts = sorted({0, *marks, len(inner)})
    pieces = [inner[here:there].strip(_BETWEEN) for here, there in pairwise(cuts)]
    return [piece for piece in pieces if piece]


def update_id(update: bytes, reading: Reading | None) -> int | None:
    """Tell an update's id, also of one that cannot be read if its beginning can."""
    if reading is not None:
        found = reading.update_id
    else:
        start = _ID.match(update)
        found = int(start[1]) if start else None
    return found if found is not None and 0 <= found <= LARGEST_ID else None


def next_id(ids: Sequence[int | None], asked: int | None) -> int | None:
    """Tell which id to ask for after an answer, which confirms all before it.

    Ids rise. One that cannot be read counts as the next after the one before it (the first: as the
    one that was *asked* for), which confirms nothing that did not come. None: still nothing known.
    """
    after = asked
    for one in ids:
        if one is not None:
            after = one + 1
        elif after is not None:
            after += 1
    return after


class Hindrance(NamedTuple):
    """Why polling does not go on, in words: a code, what is the matter, what to do."""

    code: str
    message: str
    advice: str


WEBHOOK = Hindrance(
    "webhook_active",
    "a webhook is set for this bot, and Telegram then lets nobody poll",
    "delete it (`hookgram webhook delete`), or set INGEST_MODE=webhook; updates wait at Telegram",
)
RIVAL = Hindrance(
    "other_poller",
    "somebody else polls with the same bot token",
    "stop the other one or give the gateway a bot of its own: each update goes to one of them only",
)
LIMITED = Hindrance(
    "limited", "Telegram asks to poll less often", "nothing; polling goes on when Telegram says so"
)
TOKEN = Hindrance(
    "token_rejected",
    "Telegram does not know this bot token",
    "copy it again from @BotFather into BOT_TOKEN",
)
REFUSED = Hindrance(
    "refused", "Telegram refuses getUpdates", "see what it says; look at TELEGRAM_API_URL"
)
UNREACHED = Hindrance(
    "unavailable",
    "Telegram does not answer",
    "see whether this machine reaches TELEGRAM_API_URL; updates wait at Telegram for 24 hours",
)
STORE = Hindrance(
    "store",
    "the store does not take what Telegram sent",
    "see what the store says; nothing is confirmed before it is kept",
)
REPEATED = Hindrance(
    "repeated",
    "Telegram sends again what it was told we have",
    "see what stands between the gateway and Telegram (TELEGRAM_API_URL)",
)

HINDRANCES = (WEBHOOK, RIVAL, LIMITED, TOKEN, REFUSED, UNREACHED, STORE, REPEATED)
"""The documentation prints them."""


def of_conflict(said: str) -> Hindrance:
    """Tell the two conflicts apart by what Telegram says."""
    return WEBHOOK if "webhook" in said.lower() else RIVAL


def pause(hindrance: Hindrance, times: int, asked: float | None = None) -> Micros:
    """How long to wait before asking again, hindered *times* in a row (1, 2, …).

    *asked*: the seconds Telegram wants, which are honoured. A rival is cut off by each of our polls
    as we are by its: with both at it nobody gets anything, hence no hurry.
    """
    least = 5 * SECOND if hindrance in (RIVAL, WEBHOOK) else FIRST_PAUSE
    wait = min(least << min(times - 1, 10), LONGEST_PAUSE)
    return max(wait, int((asked or 0) * SECOND))
