"""One try: compose, send, judge. A bug met here becomes a failure, not an end of the loop."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Protocol

import msgspec

from hookgram.core.definition import Definition
from hookgram.core.envelope import compose
from hookgram.core.facts import TaskFailed
from hookgram.core.model import Attempt, Claim, Micros
from hookgram.core.outcome import (
    Answer,
    GroupAnswer,
    Outcome,
    Response,
    TransportFailure,
)
from hookgram.core.replying import Reply, form_of
from hookgram.core.verdict import judge
from hookgram.ports import Channel, Clock, Notice


class Tried(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a try went: what came back, what it means, and what is kept of it.

    ``reply`` is what came back of a responder and may hold a call.
    """

    ended_at: Micros
    answer: Answer
    outcome: Outcome
    attempt: Attempt
    reply: Reply | None = None


class Way(Protocol):
    """What a try needs."""

    channel_for: Callable[[Definition], Channel]
    clock: Clock
    notice: Notice
    user_agent: str


async def attempt(way: Way, claim: Claim, definition: Definition, started_at: Micros) -> Tried:
    """Try a claimed delivery once. Raises nothing of its own but cancellation."""
    try:
        outbound = compose(
            claim.event,
            definition,
            attempt=claim.attempt,
            replay_of=claim.replay_of,
            at=started_at,
            user_agent=way.user_agent,
        )
        answer = await way.channel_for(definition).send(outbound)
    except Exception:  # noqa: BLE001  (a bug met by one event must not stop the others)
        way.notice(TaskFailed(where=f"attempt at {definition.name}", error=traceback.format_exc()))
        answer = TransportFailure(kind="internal", detail="a bug of ours", sent=False)
    ended_at = way.clock()
    outcome = judge(answer, now=ended_at)
    kept = _kept(claim, answer, started_at)
    reply = None
    if isinstance(answer, Response):
        if definition.responder:
            reply = _reply(claim, definition, answer, kept)
        if answer.body is not None:  # facts hold no text of a message
            answer = msgspec.structs.replace(answer, body=None)
    return Tried(ended_at=ended_at, answer=answer, outcome=outcome, attempt=kept, reply=reply)


def _reply(claim: Claim, definition: Definition, answer: Response, kept: Attempt) -> Reply | None:
    content_type = answer.headers.get("content-type", "")
    if form_of(content_type) is None or not answer.excerpt.strip(b" \r\n{}"):
        return None
    return Reply(
        seq=claim.event.seq,
        event_id=claim.event.event_id,
        bot_id=claim.event.bot_id,
        delivery_id=claim.delivery_id,
        target=definition.name,
        attempt=kept,
        content_type=content_type,
        body=answer.body,
    )


def _kept(claim: Claim, answer: Answer, started_at: Micros) -> Attempt:
    status, error, excerpt = _seen(answer)
    return Attempt(
        number=claim.attempt,
        started_at=started_at,
        took=answer.took,
        status=status,
        error=error,
        excerpt=excerpt,
        members=_members(answer) if isinstance(answer, GroupAnswer) else None,
    )


def _seen(answer: Answer) -> tuple[int | None, str | None, str | None]:
    match answer:
        case Response():
            return answer.status, None, answer.excerpt.decode("utf-8", "replace") or None
        case TransportFailure():
            return None, f"{answer.kind}: {answer.detail}", None
        case GroupAnswer():
            return None, None, None


def _members(answer: GroupAnswer) -> str:
    """Write down each member's answer as JSON."""
    rows = []
    for member in answer.members:
        status, error, excerpt = _seen(member.answer)
        row = {"name": member.name, "status": status, "error": error, "excerpt": excerpt}
        rows.append({**row, "took": member.answer.took})
    return msgspec.json.encode(rows).decode()
