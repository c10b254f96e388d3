"""Every finding of the doctor's, provoked by the smallest facts that deserve it, and by no less."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hookgram.core.doctor import platform, settings, store, target, telegram
from hookgram.core.doctor.finding import KINDS
from hookgram.core.doctor.kind import Level
from hookgram.core.doctor.platform import Platform, PlatformFacts
from hookgram.core.doctor.store import Disk, StoreFacts
from hookgram.core.doctor.target import Probe
from hookgram.core.doctor.telegram import Expected
from hookgram.core.doctor.words import GIB, MIB, size, some, span
from hookgram.core.facts import Warned
from hookgram.core.kinds import KINDS as UPDATES
from hookgram.core.model import DAY, HOUR, MINUTE, SECOND
from hookgram.core.outcome import GroupAnswer, Member, Response, TransportFailure
from hookgram.core.retry import RetryPolicy
from hookgram.core.webhook import Me, Webhook

NOW = 1_772_040_230 * SECOND
PATH = "/telegram/webhook"
URL = f"https://gateway.example.com{PATH}"

DISK = Disk(free=10 * GIB, kind="ext4", mount="/data", sync=1000)
HELD = {"holder": "7", "taker": "7"}
STORE = StoreFacts(exists=True, sqlite="3.54.1", schema=1, known_schema=1, size=MIB, **HELD)
OWN = Expected(url=URL, path=PATH)
HOOK = Webhook(url=URL, connections=40, allowed=tuple(UPDATES), address="8.8.8.8")
LONG = RetryPolicy.doubling(base=2, retries=12, max_age=DAY)
PROBE = Probe(place="https://h", encrypted=True, addresses=("8.8.8.8",), took=5000, tls="TLSv1.3")


def failure(kind="connect"):
    return TransportFailure(kind=kind, detail="in words", sent=False)


def risk(code):
    return settings.risky(
        [Warned(code=code, message="m", advice="a")], LONG, signed=True, targets=1
    )


def disk(**facts):
    return store.of_disk(replace(DISK, **facts))


def seen(**facts):
    return store.of_store(replace(STORE, **facts), GIB)


def work(configured=(), **counts):
    kept = {("shop", name): number for name, number in counts.items()}
    return store.of_work(replace(STORE, targets=("shop",), counts=kept), configured)


POLLED = replace(OWN, polling=True)


def hook(expected=OWN, **facts):
    return telegram.of_webhook(replace(HOOK, **facts), expected, now=NOW)


def bot(*, groups=False, reads_groups=True):
    me = Me(bot_id=1, username="b", reads_groups=reads_groups)
    return telegram.of_bot(me, groups=groups)


def probed(**facts):
    return target.of_probe("shop", replace(PROBE, **facts), now=NOW)


def tried(answer):
    return [target.of_test("shop", answer, now=NOW)]


def placed(where, grace=25 * SECOND, **facts):
    return platform.of_platform(PlatformFacts(platform=where, **facts), grace)


CASES = {
    "setting_wrong": [settings.wrong(["PORT: 'x' is not possible; use a number"])],
    **{
        code: [risk(code)]
        for code in (
            *(
                "custody_off",
                "no_secret",
                "nobody_admitted",
                "example_token",
                "no_target",
                "together",
            ),
            *(
                "same_url_twice",
                "weak_signature",
                "bad_whsec",
                "unknown_setting",
                "unused_database",
            ),
        )
    },
    "unsigned": [settings.risky([], LONG, signed=False, targets=1)],
    "retries_few": [
        settings.risky(
            [], RetryPolicy.doubling(base=2, retries=5, max_age=DAY), signed=True, targets=1
        )
    ],
    "store_sound": [seen()],
    "store_new": [seen(exists=False)],
    "store_running": [seen()],
    "store_idle": [seen(holder=None, taker=None)],
    "nobody_delivers": [seen(holder=None)],
    "nobody_takes": [seen(taker=None)],
    "store_left": [
        seen(left_for="db.internal/hookgram"),
        seen(left_for="db", holder=None, taker=None),
    ],
    "sqlite_old": [seen(sqlite_old=True), seen(sqlite_old=True, exists=False)],
    "schema_newer": [seen(schema=2)],
    "schema_older": [seen(schema=0)],
    "store_foreign": [seen(ours=False)],
    "store_broken": [seen(trouble="file is not a database")],
    "store_readonly": [disk(unwritable="its folder may not be written")],
    "disk_slow": [disk(sync=101_000)],
    "space_low": [disk(free=200 * MIB)],
    "space_out": [disk(free=MIB)],
    "store_networked": [disk(networked="nfs4", kind="nfs4")],
    "store_in_memory": [disk(kind="tmpfs")],
    "store_ephemeral": [
        disk(mount="/", platform=Platform.RAILWAY),
        disk(mount="/", platform=Platform.FLY),
    ],
    "store_in_container": [disk(mount="/", platform=Platform.CONTAINER)],
    "orphan": [work(created=3), work(created=2, dead=2)],
    "dead_letters": [work(["shop"], created=2, dead=2, purged=1)],
    "backlog": [work(["shop"], created=1001)],
    "refused_updates": [
        store.of_work(replace(STORE, counts={("", "refused.not_authorised"): 2}), [])
    ],
    "clock_right": [[telegram.of_clock(4 * SECOND)], [telegram.of_clock(-4 * SECOND)]],
    "clock_off": [[telegram.of_clock(6 * SECOND)], [telegram.of_clock(-59 * SECOND)]],
    "clock_wrong": [[telegram.of_clock(61 * SECOND)], [telegram.of_clock(-HOUR)]],
    "token_known": [bot()],
    "privacy_mode": [bot(groups=True, reads_groups=False)],
    "polling_possible": [hook(POLLED, url=""), hook(POLLED, url="", pending=500)],
    "polling_blocked": [hook(POLLED)],
    "webhook_right": [hook()],
    "webhook_absent": [hook(url=""), hook(url="", pending=3)],
    "webhook_elsewhere": [
        hook(url="https://n8n.example/CANARY"),
        hook(replace(OWN, url=None), url="https://n8n.example/CANARY"),
    ],
    "webhook_unverified": [hook(replace(OWN, url=None))],
    "webhook_failing": [
        hook(error="Connection refused", error_at=NOW - MINUTE),
        hook(error="Connection refused", error_at=NOW - 50 * MINUTE, pending=1),
        hook(error="Connection refused", error_at=NOW + MINUTE),
    ],
    "webhook_failed": [
        hook(error="Connection refused", error_at=NOW - 50 * MINUTE),
        hook(error="Connection refused", error_at=NOW - DAY, pending=1),
    ],
    "webhook_pending": [hook(pending=100)],
    "webhook_synchronization": [hook(synchronization_error_at=NOW - MINUTE)],
    "webhook_kinds": [hook(allowed=None), hook(allowed=("message",))],
    "webhook_connections": [hook(connections=9)],
    "webhook_certificate": [hook(certificate=True)],
    "webhook_address": [hook(replace(OWN, resolved=("9.9.9.9",)))],
    "webhook_secret": [hook()],
    "target_reached": [probed()],
    "target_dns": [probed(failure=failure("dns"))],
    "target_unreached": [probed(failure=failure(kind)) for kind in ("connect", "timeout", "reset")],
    "target_tls": [probed(failure=failure("tls"))],
    "target_certificate_ends": [probed(ends_at=NOW + 13 * DAY), probed(ends_at=NOW - DAY)],
    "target_plain": [probed(encrypted=False)],
    "target_took_test": [tried(Response(status=204, headers={}))],
    "target_refused_test": [
        tried(Response(status=500, headers={})),
        tried(Response(status=410, headers={})),
        tried(Response(status=429, headers={"retry-after": "3"})),
        tried(failure("timeout")),
        tried(failure("interrupted")),
        tried(
            GroupAnswer(
                members=(
                    Member(name="host-1", answer=Response(status=200, headers={})),
                    Member(name="host-2", answer=Response(status=500, headers={})),
                )
            )
        ),
    ],
    "platform": [placed(Platform.MACHINE)],
    "memory_low": [placed(Platform.MACHINE, memory=128 * MIB)],
    "grace_missing": [placed(Platform.RAILWAY)],
    "grace_short": [placed(Platform.RAILWAY, draining=24 * SECOND)],
    "grace_unseen": [
        placed(Platform.FLY),
        placed(Platform.CONTAINER),
        placed(Platform.RENDER, 26 * SECOND),
        placed(Platform.KUBERNETES, 26 * SECOND),
    ],
}

ELSEWHERE = {
    "settings_sound",
    "token_rejected",
    "telegram_unavailable",
    "telegram_refused",
    "not_checked",
    "database_away",
    "database_filling",
    "database_unfit",
    "schema_other",
}
"""Found by the shell: provoked in tests/cli/doctor."""


def test_every_finding_is_provoked():
    assert set(CASES) | ELSEWHERE == set(KINDS)
    assert not set(CASES) & ELSEWHERE


@pytest.mark.parametrize(
    ("code", "findings"), [(code, case) for code, cases in CASES.items() for case in cases]
)
def test_these_facts_make_this_finding(code, findings):
    assert code in [finding.code for finding in findings]
    assert all(finding.level is KINDS[finding.code].level for finding in findings)
    assert "CANARY" not in str(findings)


SOUND = {
    "settings": settings.risky([], LONG, signed=True, targets=1),
    "no target": settings.risky([], RetryPolicy(waits=(), max_age=DAY), signed=False, targets=0),
    "disk": disk(),
    "disk of a machine": disk(mount="/"),
    "volume": disk(platform=Platform.FLY),
    "store": seen(),
    "work": work(["shop"], created=1000, delivered=0, dead=2, purged=2),
    "empty orphan": work(created=3, delivered=2, cancelled=1),
    "clock": [telegram.of_clock(0)],
    "bot": bot(groups=True),
    "webhook": hook(replace(OWN, resolved=("8.8.8.8",)), pending=99),
    "unknown address": hook(replace(OWN, resolved=("8.8.8.8",)), address="<unknown>"),
    "old trouble of Telegram's": hook(synchronization_error_at=NOW - DAY),
    "probe": probed(ends_at=NOW + 15 * DAY),
    "private http": probed(encrypted=False, addresses=("10.0.0.1",)),
    "test": tried(Response(status=200, headers={})),
    "machine": placed(Platform.MACHINE, memory=GIB),
    "Railway": placed(Platform.RAILWAY, draining=30 * SECOND),
    "Render": placed(Platform.RENDER, 25 * SECOND),
    "systemd": placed(Platform.SYSTEMD),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound_is_not_complained_of(name):
    complaints = [
        finding.code
        for finding in SOUND[name]
        if finding.level is not Level.OK and finding.code != "webhook_secret"
    ]
    assert complaints == []


@pytest.mark.parametrize("code", KINDS)
def test_what_is_not_right_comes_with_what_to_do(code):
    kind = KINDS[code]
    assert kind.means
    assert (kind.remedy != "") >= (kind.level in {Level.WARNING, Level.PROBLEM})


def test_a_wrong_setting_is_split_into_where_what_and_what_to_do():
    [one] = settings.wrong(["PORT: 'abc' is not possible; use a whole number from 0 to 65535"])
    assert (one.subject, one.sentence) == ("PORT", "'abc' is not possible")
    assert one.remedy == "use a whole number from 0 to 65535"


def test_telegrams_complaint_comes_with_its_own_cure():
    findings = hook(error="Wrong response from the webhook: 403 Forbidden", error_at=NOW - MINUTE)
    [one] = [finding for finding in findings if finding.code == "webhook_failing"]
    assert "TELEGRAM_SECRET_TOKEN" in one.sentence
    assert "1 minute ago" in one.sentence
    assert "--force" in one.remedy


def test_railway_is_told_the_very_number():
    [one] = [f for f in placed(Platform.RAILWAY, 40 * SECOND) if f.code == "grace_missing"]
    assert one.remedy == "set RAILWAY_DEPLOYMENT_DRAINING_SECONDS=45"


@pytest.mark.parametrize(
    ("variables", "container", "where"),
    [
        ({"RAILWAY_SERVICE_ID": "x"}, True, Platform.RAILWAY),
        ({"FLY_MACHINE_ID": "x", "KUBERNETES_SERVICE_HOST": ""}, False, Platform.FLY),
        ({"RENDER": "true"}, True, Platform.RENDER),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True, Platform.KUBERNETES),
        ({}, True, Platform.CONTAINER),
        ({"INVOCATION_ID": "x"}, False, Platform.SYSTEMD),
        ({}, False, Platform.MACHINE),
    ],
)
def test_a_platform_is_known_by_its_variables(variables, container, where):
    assert platform.platform_of(variables, container=container) is where


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, None),
        ({"RAILWAY_PUBLIC_DOMAIN": "a.up.railway.app"}, "https://a.up.railway.app"),
        ({"RENDER_EXTERNAL_URL": "https://a.onrender.com"}, "https://a.onrender.com"),
        ({"FLY_APP_NAME": "a"}, "https://a.fly.dev"),
    ],
)
def test_some_platforms_tell_our_own_address(variables, address):
    assert platform.own_address(variables) == address


@pytest.mark.parametrize(
    ("text", "told"), [(None, None), ("", None), ("x", None), ("30", 30 * SECOND), ("-1", None)]
)
def test_railways_grace_is_read(text, told):
    variables = {} if text is None else {platform.DRAINING: text}
    assert platform.draining_of(variables) == told


def test_words_for_sizes_spans_and_lists():
    assert [size(n) for n in (512, 5 * MIB, 3 * GIB // 2)] == ["0 KiB", "5 MiB", "1.5 GiB"]
    spans = [0, SECOND, 90 * SECOND, 2 * HOUR, 3 * DAY]
    assert list(map(span, spans)) == ["a moment", "1 second", "1 minute", "2 hours", "3 days"]
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcdefgh")) == "a, b, c, d, e, f and 2 more"
