"""What there is to say of settings, beyond what stops the gateway or warns at its start."""

from __future__ import annotations

from collections.abc import Sequence

from hookgram.core.doctor.finding import Finding, found
from hookgram.core.doctor.words import span
from hookgram.core.facts import Warned
from hookgram.core.model import MINUTE
from hookgram.core.retry import RetryPolicy

ENOUGH = 30 * MINUTE
"""Retries that span less do not outlive a deployment gone wrong."""


def wrong(problems: Sequence[str]) -> list[Finding]:
    """Report what stops the gateway from starting: each ``NAME: what; what to do``."""
    return [_wrong(problem) for problem in problems]


def _wrong(problem: str) -> Finding:
    name, _, rest = problem.partition(": ")
    what, _, remedy = rest.partition("; ")
    return found("setting_wrong", what, subject=name, remedy=remedy or None)


def risky(
    warnings: Sequence[Warned], retry: RetryPolicy, *, signed: bool, targets: int
) -> list[Finding]:
    """Report what works but should be known."""
    findings = [found(warning.code, warning.message, remedy=warning.advice) for warning in warnings]
    if not signed and targets:
        findings.append(found("unsigned", "what we send is not signed: OUTBOUND_SECRET is not set"))
    patience = sum(retry.waits)
    if patience < ENOUGH and targets:
        findings.append(
            found(
                "retries_few",
                f"a target that is down for more than {span(patience)} makes dead letters: "
                f"{len(retry.waits)} retries",
            )
        )
    return findings
