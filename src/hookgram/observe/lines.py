"""Facts as log lines: a level, the line that people read, and the same facts as fields.

The lines of an attempt are a contract: ``✅ Sent event 1``, ``🔁 Retry 1 for event 2``,
``❌ Dropped event 3 after retries``, ``🟢 WORKER STARTED``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from hookgram.core import facts
from hookgram.core.outcome import (
    Answer,
    Dead,
    Delivered,
    GroupAnswer,
    Released,
    Response,
    Retry,
)
from hookgram.core.replying import Ending
from hookgram.core.role import Role


class Line(Struct, frozen=True, gc=False):
    """One log line."""

    level: int
    message: str
    fields: dict[str, Any]


Render: TypeAlias = Callable[[Any], Line]

_ROLES: dict[str, str] = {
    Role.INGEST: "; it takes updates, a worker delivers them (ROLE=ingest)",
    Role.WORKER: "; it delivers, another process takes updates (ROLE=worker)",
}


def line_of(fact: facts.Fact) -> Line:
    """Render a fact."""
    render = _RENDER.get(type(fact))
    if render is None:
        return Line(logging.INFO, type(fact).__name__, _fields(fact))
    return render(fact)


def _fields(fact: facts.Fact) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in fact.__struct_fields__}


def _settled(fact: facts.DeliverySettled) -> Line:
    reason: str | None = None
    place = f"→ {fact.target} ({_answered(fact.answer, fact.took)})"
    match fact.settlement:
        case Delivered():
            level, outcome, message = logging.INFO, "delivered", f"✅ Sent event {fact.seq} {place}"
        case Retry(wait=wait, failures=failures, reason=reason):
            outcome, level = "retry", logging.WARNING
            when = f"in {wait / 1e6:.1f} s"
            message = f"🔁 Retry {max(failures, 1)} for event {fact.seq} {place}, {when}"
        case Dead(reason=reason):
            outcome, level = "dead", logging.ERROR
            message = f"❌ Dropped event {fact.seq} after retries {place}: {reason}"
        case Released():
            outcome, level = "released", logging.INFO
            message = f"↩️ Released event {fact.seq} → {fact.target}"
    return Line(level, message, _attempt_fields(fact, outcome, reason))


def _attempt_fields(
    fact: facts.DeliverySettled, outcome: str, reason: str | None
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "target": fact.target,
        "outcome": outcome,
        "attempt": fact.attempt,
        "seq": fact.seq,
        "event_id": fact.event_id,
        "delivery_id": fact.delivery_id,
        "update_id": fact.update_id,
        "bot_id": fact.bot_id,
        "kind": fact.kind,
        "duration_ms": milliseconds(fact.took),
        "latency_ms": milliseconds(fact.latency),
    }
    if reason is not None:
        fields["reason"] = reason
    answer = fact.answer
    if isinstance(answer, GroupAnswer):
        fields["members"] = {one.name: _answer_word(one.answer) for one in answer.members}
    elif answer is not None:
        fields["status"] = _answer_word(answer)
    return fields


def milliseconds(micros: int) -> float:
    """Return ``round(micros / 1000, 1)``, which is dear, and rarely needed to tell."""
    tenths, rest = divmod(micros, 100)
    if rest == 50 or micros < 0:
        return round(micros / 1000, 1)
    return (tenths + (rest > 50)) / 10


def _answer_word(answer: Answer) -> int | str:
    match answer:
        case Response():
            return answer.status
        case GroupAnswer():
            return "group"
        case _:
            return answer.kind


def _answered(answer: Answer | None, took: int) -> str:
    match answer:
        case Response():
            words = str(answer.status)
        case None:
            return "not tried"
        case GroupAnswer():
            words = ", ".join(f"{m.name} {_answer_word(m.answer)}" for m in answer.members)
        case _:
            words = answer.kind
    return f"{words}, {took / 1000:.0f} ms"


def _line(level: int, template: str) -> Render:
    def render(fact: facts.Fact) -> Line:
        fields = _fields(fact)
        return Line(level, template.format(**fields), fields)

    return render


def _refused(fact: facts.UpdateRefused) -> Line:
    if not fact.first:
        return Line(logging.DEBUG, f"🚫 Refused an update of chat {fact.chat_id}", _fields(fact))
    kind = fact.chat_kind or "unknown"
    message = (
        f"🚫 Refused chat {fact.chat_id} ({kind}): to admit it, add {fact.chat_id} to "
        "AUTHORIZED_CHAT_IDS, or set PUBLIC_MODE=true"
    )
    return Line(logging.WARNING, message, _fields(fact))


def _started(fact: facts.GatewayStarted) -> Line:
    who = ", ".join(fact.targets) or "no target"
    place = "runs" if fact.host is None else f"listens on {fact.host}:{fact.port}"
    part = _ROLES.get(fact.role, "")
    message = f"🚀 hookgram {fact.version} {place} for {who}{part}"
    return Line(logging.INFO, message, _fields(fact))


def _dead_on_arrival(fact: facts.DeadOnArrival) -> Line:
    message = f"❌ Dropped event {fact.seq} on arrival → {', '.join(fact.targets)}: {fact.reason}"
    return Line(logging.WARNING, message, _fields(fact))


def _polling_hindered(fact: facts.PollingHindered) -> Line:
    message = (
        f"📡 Polling of {fact.bot} is held up: {fact.message} ({fact.said}); {fact.advice}. "
        f"Next try in {fact.wait / 1e6:.0f} s"
    )
    return Line(logging.ERROR, message, _fields(fact))


def _stolen(fact: facts.WebhookStolen) -> Line:
    place = f"to {fact.place}" if fact.place else "nowhere"
    message = (
        f"🪝 Somebody took the webhook of {fact.bot}: Telegram posts {place}. "
        "Another program uses this bot token: stop it"
    )
    return Line(logging.ERROR, message, _fields(fact))


def _hindered_custody(fact: facts.CustodyHindered) -> Line:
    message = (
        f"🪝 The webhook of {fact.bot} cannot be looked after: {fact.reason}. "
        f"Next try in {fact.wait / 1e6:.0f} s; what comes is taken all the same"
    )
    return Line(logging.WARNING, message, _fields(fact))


def _worker_started(fact: facts.WorkerStarted) -> Line:
    who = ", ".join(fact.targets) or "no target"
    return Line(logging.INFO, f"🟢 WORKER STARTED for {who}", _fields(fact))


def _overdue(fact: facts.WorkOverdue) -> Line:
    message = (
        f"🐌 Nobody takes the work for {', '.join(fact.targets)}: it has been due for "
        f"{fact.wait / 6e7:.0f} min. See that a worker runs on this store (ROLE=worker), and in "
        "its log whether it leaves the target alone"
    )
    return Line(logging.ERROR, message, _fields(fact))


def _store_failed(fact: facts.StoreFailed) -> Line:
    end = "stopping, exit code 74" if fact.broken else "answering 503 until it recovers"
    message = f"💾 The store fails: {fact.reason}; {end}"
    return Line(logging.CRITICAL if fact.broken else logging.ERROR, message, _fields(fact))


def _opened(fact: facts.BreakerOpened) -> Line:
    message = (
        f"⛔ {fact.target} failed {fact.failures} times in a row: left alone for "
        f"{fact.wait / 1e6:.0f} s, its work waits"
    )
    return Line(logging.WARNING, message, _fields(fact))


def _reply_ended(fact: facts.ReplyEnded) -> Line:
    ended = fact.ended
    done = ended.ending is Ending.EXECUTED
    what = f"{ended.method or 'a reply'} of {fact.target} for event {fact.seq}"
    why = "" if ended.error is None else f": {ended.error}"
    fields = {name: value for name, value in _fields(fact).items() if name != "ended"}
    fields |= {
        "outcome": ended.ending.value,
        "method": ended.method,
        "status": ended.status,
        "error": ended.error,
        "duration_ms": round(ended.took / 1000, 1),
    }
    message = f"💬 Executed {what}" if done else f"🔇 Not executed ({ended.ending}) {what}{why}"
    return Line(logging.INFO if done else logging.WARNING, message, fields)


_RENDER: dict[type[facts.Fact], Render] = {
    facts.GatewayStarted: _started,
    facts.Warned: _line(logging.WARNING, "⚠️ {message}; {advice}"),
    facts.EventAccepted: _line(
        logging.DEBUG, "📥 Stored event {seq} ({kind}) for {targets} targets"
    ),
    facts.DeadOnArrival: _dead_on_arrival,
    facts.DuplicateSeen: _line(logging.DEBUG, "♊ Update {update_id} ({kind}) was stored before"),
    facts.UpdateRefused: _refused,
    facts.ChatMoved: _line(
        logging.INFO, "🚚 Chat {former} has the id {chat_id} now; what names it goes on"
    ),
    facts.IngestRejected: _line(
        logging.WARNING, "🚪 Answered {status} to a post for {bot}: {reason}"
    ),
    facts.DutyTaken: _line(logging.INFO, "🎖️ On duty: {duty}"),
    facts.DutyHeld: _line(logging.INFO, "💤 Another process has the duty {duty}: standing by"),
    facts.DutyLost: _line(logging.WARNING, "🎖️ Lost the duty {duty}: stopped what belongs to it"),
    facts.PollingHindered: _polling_hindered,
    facts.PollingResumed: _line(logging.INFO, "📡 Polling of {bot} goes on"),
    facts.WebhookSet: _line(logging.INFO, "🪝 Set the webhook of {bot}: {why}"),
    facts.WebhookStolen: _stolen,
    facts.WebhookContested: _line(
        logging.ERROR,
        "🪝 Somebody else sets the webhook of {bot} again and again: trying once an hour now. "
        "A bot has one webhook: stop the other one, or set WEBHOOK_CUSTODY=off here",
    ),
    facts.WebhookFailing: _line(
        logging.ERROR, "🪝 Telegram cannot deliver to {bot}: {said}: {means}; {advice}"
    ),
    facts.UpdatesPiling: _line(
        logging.WARNING,
        "🪝 More and more updates of {bot} wait at Telegram: {pending}. "
        "See whether the gateway keeps up and what stands before it: hookgram doctor",
    ),
    facts.CustodyHindered: _hindered_custody,
    facts.CustodyResumed: _line(logging.INFO, "🪝 The webhook of {bot} is looked after again"),
    facts.WorkerStarted: _worker_started,
    facts.WorkerStopping: _line(logging.INFO, "🟡 WORKER STOPPING, {in_flight} in flight"),
    facts.WorkerStopped: _line(
        logging.INFO, "🔴 WORKER STOPPED, {released} released, {interrupted} interrupted"
    ),
    facts.DeliverySettled: _settled,
    facts.ReplyEnded: _reply_ended,
    facts.LeaseLost: _line(logging.WARNING, "🔑 Lost the lease of event {seq} → {target}"),
    facts.LeaseLapsed: _line(logging.WARNING, "⏳ The lease of event {seq} → {target} lapsed"),
    facts.BreakerOpened: _opened,
    facts.BreakerClosed: _line(logging.INFO, "💚 {target} answers again"),
    facts.TargetHeld: _line(logging.INFO, "✋ {target} has to wait"),
    facts.WorkOverdue: _overdue,
    facts.WorkTaken: _line(logging.INFO, "🐌 No work is overdue any more"),
    facts.StoreFailed: _store_failed,
    facts.StoreRecovered: _line(logging.INFO, "💾 The store commits again"),
    facts.EventsForgotten: _line(logging.INFO, "🧹 Forgot {events} events and {dead} dead letters"),
    facts.TaskFailed: _line(logging.ERROR, "🐞 A bug in {where}: {error}"),
}
