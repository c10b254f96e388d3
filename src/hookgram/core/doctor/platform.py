"""What there is to say of the platform, from its variables and limits."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from hookgram.core.doctor.finding import Finding, found
from hookgram.core.doctor.words import MIB, size, span
from hookgram.core.model import SECOND, Micros

MEMORY_LOW = 250 * MIB
SPARE = 5 * SECOND
"""What closing takes, beyond the grace of attempts in flight."""


class Platform(StrEnum):
    """Where the gateway runs."""

    RAILWAY = "Railway"
    FLY = "Fly.io"
    RENDER = "Render"
    KUBERNETES = "Kubernetes"
    CONTAINER = "a container"
    SYSTEMD = "systemd"
    MACHINE = "this machine"


_DEFAULT_GRACE: dict[Platform, Micros] = {
    Platform.RAILWAY: 0,
    Platform.FLY: 5 * SECOND,
    Platform.RENDER: 30 * SECOND,
    Platform.KUBERNETES: 30 * SECOND,
    Platform.CONTAINER: 10 * SECOND,
    Platform.SYSTEMD: 90 * SECOND,
}
"""What each gives a process between its signal to stop and its end, if nobody says otherwise."""

_MARKS: tuple[tuple[str, Platform], ...] = (
    ("RAILWAY_SERVICE_ID", Platform.RAILWAY),
    ("RAILWAY_ENVIRONMENT_ID", Platform.RAILWAY),
    ("FLY_MACHINE_ID", Platform.FLY),
    ("FLY_APP_NAME", Platform.FLY),
    ("RENDER", Platform.RENDER),
    ("KUBERNETES_SERVICE_HOST", Platform.KUBERNETES),
)

DRAINING = "RAILWAY_DEPLOYMENT_DRAINING_SECONDS"


class PlatformFacts(Struct, frozen=True, kw_only=True):
    """Where we are, the limit of memory in bytes if there is one, and Railway's own grace."""

    platform: Platform
    memory: int | None = None
    draining: Micros | None = None


def platform_of(variables: Mapping[str, str], *, container: bool) -> Platform:
    """Tell the platform by the variables it sets."""
    for name, platform in _MARKS:
        if variables.get(name):
            return platform
    if container:
        return Platform.CONTAINER
    return Platform.SYSTEMD if variables.get("INVOCATION_ID") else Platform.MACHINE


def draining_of(variables: Mapping[str, str]) -> Micros | None:
    """Read the time Railway gives; None if it is not set or no number."""
    text = variables.get(DRAINING, "").strip()
    return int(text) * SECOND if text.isdecimal() and len(text) < 6 else None


def own_address(variables: Mapping[str, str]) -> str | None:
    """Return the public address the platform gives us, if it tells."""
    if domain := variables.get("RAILWAY_PUBLIC_DOMAIN"):
        return f"https://{domain}"
    if url := variables.get("RENDER_EXTERNAL_URL"):
        return url
    if app := variables.get("FLY_APP_NAME"):
        return f"https://{app}.fly.dev"
    return None


def of_platform(facts: PlatformFacts, grace: Micros) -> list[Finding]:
    """Judge the platform. *grace*: what attempts in flight get, by SHUTDOWN_GRACE_SEC."""
    limit = size(facts.memory) if facts.memory is not None else "no limit"
    findings = [found("platform", f"platform: {facts.platform}; memory: {limit}")]
    if facts.memory is not None and facts.memory < MEMORY_LOW:
        findings.append(found("memory_low", f"the process may use {limit} of memory"))
    return findings + _of_grace(facts, grace)


def _of_grace(facts: PlatformFacts, grace: Micros) -> list[Finding]:
    given, needed = _DEFAULT_GRACE.get(facts.platform), grace + SPARE
    if facts.platform is Platform.RAILWAY:
        return _of_railway(facts.draining, grace)
    if given is None or given >= needed:
        return []
    sentence = (
        f"{facts.platform} gives {span(given)} to stop unless told otherwise; "
        f"{span(needed)} are needed"
    )
    return [found("grace_unseen", sentence)]


def _of_railway(draining: Micros | None, grace: Micros) -> list[Finding]:
    if draining is None:
        remedy = f"set {DRAINING}={(grace + SPARE) // SECOND}"
        sentence = f"Railway kills at once: {DRAINING} is not set"
        return [found("grace_missing", sentence, remedy=remedy)]
    if draining < grace:
        sentence = f"Railway gives {span(draining)} to stop, SHUTDOWN_GRACE_SEC is {span(grace)}"
        return [found("grace_short", sentence)]
    return []
