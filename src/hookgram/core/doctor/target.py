"""What there is to say of a target, from a probe of its URLs and, if one was sent, a test."""

from __future__ import annotations

from msgspec import Struct

from hookgram.core.addresses import refusal
from hookgram.core.doctor.finding import Finding, found
from hookgram.core.doctor.words import MILLISECOND, span
from hookgram.core.model import DAY, Micros
from hookgram.core.outcome import (
    Answer,
    Failure,
    FailureKind,
    GroupAnswer,
    Refusal,
    Response,
    Success,
    TransportFailure,
)
from hookgram.core.verdict import judge

ENDS_SOON = 14 * DAY

_CODES: dict[FailureKind, str] = {"dns": "target_dns", "tls": "target_tls"}


class Probe(Struct, frozen=True, kw_only=True):
    """What was seen of one URL. ``place`` is its scheme, host and port; never more of it."""

    place: str
    encrypted: bool
    addresses: tuple[str, ...] = ()
    took: Micros = 0
    tls: str | None = None
    """The version of TLS that was agreed on."""
    ends_at: Micros | None = None
    """When the certificate ends."""
    failure: TransportFailure | None = None


def of_probe(name: str, probe: Probe, *, now: Micros) -> list[Finding]:
    """Judge whether a URL can be reached."""
    if probe.failure is not None:
        code = _CODES.get(probe.failure.kind, "target_unreached")
        return [found(code, f"{probe.place}: {probe.failure.detail}", subject=name)]
    took = f"{max(probe.took // MILLISECOND, 1)} ms"
    how = f"{took}, {probe.tls}" if probe.tls else took
    findings = [found("target_reached", f"{probe.place} can be reached ({how})", subject=name)]
    if probe.ends_at is not None and probe.ends_at - now < ENDS_SOON:
        left = span(max(probe.ends_at - now, 0))
        sentence = f"{probe.place}: the certificate ends in {left}"
        findings.append(found("target_certificate_ends", sentence, subject=name))
    if not probe.encrypted and any(refusal(address) is None for address in probe.addresses):
        sentence = f"{probe.place} is called over the internet without encryption"
        findings.append(found("target_plain", sentence, subject=name))
    return findings


def of_test(name: str, answer: Answer, *, now: Micros) -> Finding:
    """Judge a target's answer to the signed test."""
    match judge(answer, now=now):
        case Success():
            return found("target_took_test", f"the test was taken ({_said(answer)})", subject=name)
        case Failure(reason=reason) | Refusal(reason=reason):
            sentence = f"the test was not taken: {reason} ({_said(answer)})"
            return found("target_refused_test", sentence, subject=name)
        case _:
            return found("target_refused_test", "the test was interrupted", subject=name)


def _said(answer: Answer) -> str:
    match answer:
        case Response(status=status, took=took):
            return f"status {status} after {took // MILLISECOND} ms"
        case TransportFailure(detail=detail):
            return detail
        case GroupAnswer(members=members):
            return "; ".join(f"{member.name}: {_said(member.answer)}" for member in members)
