"""What the settings mean to the rest of the gateway."""

from __future__ import annotations

import hashlib

import pytest

from hookgram.core.definition import Bot, Origin
from hookgram.core.model import HOUR, SECOND
from hookgram.settings import risks

A, B, C = "https://a.example/1", "https://b.example/2", "https://c.example/3"


def host(url):
    return "host-" + hashlib.sha256(url.encode()).hexdigest()[:8]


@pytest.mark.parametrize(
    ("single", "listed", "retry", "found"),
    [
        ("", "", "together", []),
        (A, "", "together", [("target", (A,))]),
        ("", A, "together", [("target", (A,))]),
        ("", A, "independent", [(host(A), (A,))]),
        ("", f"{A},{B}", "together", [("targets", (A, B))]),
        ("", f"{A},{B}", "independent", [(host(A), (A,)), (host(B), (B,))]),
        (A, f"{B},{C}", "together", [("target", (A,)), ("targets", (B, C))]),
        (A, f"{A},{B}", "together", [("targets", (A, B))]),
        (A, f"{A},{B}", "independent", [("target", (A,)), (host(B), (B,))]),
        (A, f"{A},{B},{C}", "together", [("targets", (A, B, C))]),
        (A, A, "together", [("target", (A,))]),
        ("", f"{A},{B},{A}", "together", [("targets", (A, B))]),
    ],
)
def test_the_targets_are_the_union_and_each_url_is_there_once(given, single, listed, retry, found):
    settings = given(TARGET_WEBHOOK_URL=single, TARGET_WEBHOOK_URLS=listed, FANOUT_RETRY=retry)
    assert [(target.name, target.urls) for target in settings.definitions()] == found


def test_a_target_carries_the_limits_of_the_settings(given):
    settings = given(
        TARGET_WEBHOOK_URL=A,
        OUTBOUND_SECRET="an outbound secret",
        FORWARD_TIMEOUT_SEC="2.5",
        TARGET_SLOTS="7",
        MAX_RETRIES="3",
        BASE_RETRY_DELAY_SEC="1",
        DELIVERY_MAX_AGE_HOURS="0.5",
    )
    [target] = settings.definitions()
    assert (target.timeout, target.slots, target.origin) == (2_500_000, 7, Origin.ENV)
    assert target.secrets == ("an outbound secret",)
    assert target.retry.waits == (SECOND, 2 * SECOND, 4 * SECOND)
    assert target.retry.max_age == HOUR // 2


def test_limits_come_in_microseconds_and_bytes(given):
    settings = given(
        MAX_BODY_SIZE_KB="2", DEDUP_HOURS="1", SHUTDOWN_GRACE_SEC="0.5", RETENTION_HOURS="0"
    )
    assert settings.max_body == 3 * 1024
    assert (settings.dedup, settings.shutdown_grace, settings.retention) == (HOUR, SECOND // 2, 0)


def test_the_bot_is_the_number_in_the_token(given):
    assert given().bots()[0].bot == Bot(name="default", bot_id=123456)


def test_no_text_form_of_the_settings_shows_a_secret(given):
    settings = given(
        BOT_TOKEN="123456:CANARY-CANARY-CANARY-CANARY",
        TELEGRAM_SECRET_TOKEN="CANARY2",
        OUTBOUND_SECRET="CANARY3",
        TARGET_WEBHOOK_URL="https://CANARY4:CANARY5@example.com/CANARY6?k=CANARY7",
        TARGET_WEBHOOK_URLS="https://example.com/CANARY8",
    )
    assert "CANARY" not in f"{settings!r} {settings} {settings.definitions()}"
    assert len(settings.secrets()) == 4


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({}, "no_secret"),
        ({}, "nobody_admitted"),
        ({}, "no_target"),
        ({"TARGET_WEBHOOK_URLS": f"{A},{B}"}, "together"),
        ({"TARGET_WEBHOOK_URLS": f"{A},{A}"}, "same_url_twice"),
        ({"OUTBOUND_SECRET": "short"}, "weak_signature"),
        ({"OUTBOUND_SECRET": "whsec_c2hvcnQga2V5IG9mIDE2Yg=="}, "weak_signature"),
        ({"OUTBOUND_SECRET": "whsec_not base64 at all, really"}, "bad_whsec"),
        ({"BOT_TOKEN": "123456:REPLACE-WITH-THE-TOKEN-FROM-BOTFATHER"}, "example_token"),
        ({"TELEGRAM_SECRET": "x"}, "unknown_setting"),
        ({"AUTHORISED_CHAT_IDS": "1"}, "unknown_setting"),
        ({"BOT_TOKEN_FILES": "x"}, "unknown_setting"),
    ],
)
def test_what_is_risky_is_told(given, variables, code):
    assert code in [warning.code for warning in risks(given(**variables))]


def test_a_sound_configuration_warns_of_nothing(given):
    settings = given(
        TELEGRAM_SECRET_TOKEN="a-secret_of_telegram",
        PUBLIC_MODE="true",
        TARGET_WEBHOOK_URL=A,
        OUTBOUND_SECRET="a secret of twenty-four bytes",
        HOSTNAME="machine",
        LOGNAME="me",
        PATH="/bin",
        PORTS="1",
    )
    assert risks(settings) == []


def test_warnings_never_show_a_secret(given):
    settings = given(
        OUTBOUND_SECRET="CANARY",
        TELEGRAM_SECRET="CANARY2",
        TARGET_WEBHOOK_URLS="http://h/CANARY3,http://i/",
    )
    assert "CANARY" not in str(risks(settings))


@pytest.mark.parametrize(
    "place",
    [
        ("postgres", "db/hookgram"),
        ("postgresql", "one:5432,[::1]:5433,three/hookgram?target_session_attrs=read-write"),
    ],
)
def test_a_database_is_shared_when_the_backend_is_postgres(given, place):
    url = "{}://me:se%20cret@{}".format(*place)
    settings = given(QUEUE_BACKEND="postgres", DATABASE_URL=url)
    assert settings.shared_database == url
    assert {"se%20cret", "se cret", url} <= set(settings.secrets())


def test_a_database_beside_sqlite_is_told_and_not_used(given):
    settings = given(DATABASE_URL="postgres://me:secret@db/hookgram")
    assert settings.shared_database is None
    assert "unused_database" in [risk.code for risk in risks(settings)]


def test_postgres_without_a_database_is_told(problems):
    [problem] = problems(QUEUE_BACKEND="postgres")
    assert problem.startswith("DATABASE_URL: is not set")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me@db/x",
        "postgres://db",
        "postgres://[db/x",
        "db",
        "postgres://d b/x",
        "postgres://me:Se/crEt9@db/x",
        "postgres://me:Se?crEt9@db/x",
        "postgres://me:Se#crEt9@db/x",
        "postgres://me@db:x1/x",
        "postgres://me@db:5432,other:99999/x",
    ],
)
def test_what_is_no_database_of_postgres_is_told_without_showing_it(problems, url):
    [problem] = problems(QUEUE_BACKEND="postgres", DATABASE_URL=url)
    assert problem.startswith("DATABASE_URL: ")
    assert url not in problem
    assert "crEt9" not in problem


KEPT = "https://gw.example.com/telegram/webhook"


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, None),
        ({"PUBLIC_URL": "https://gw.example.com"}, KEPT),
        ({"PUBLIC_URL": "https://gw.example.com/own"}, "https://gw.example.com/own"),
        ({"PUBLIC_URL": "https://gw.example.com", "WEBHOOK_CUSTODY": "off"}, None),
        ({"PUBLIC_URL": "https://gw.example.com", "INGEST_MODE": "polling"}, None),
        ({"RAILWAY_PUBLIC_DOMAIN": "gw.example.com"}, None),
        ({"RAILWAY_PUBLIC_DOMAIN": "gw.example.com", "WEBHOOK_CUSTODY": "on"}, KEPT),
        ({"RENDER_EXTERNAL_URL": "https://gw.example.com", "WEBHOOK_CUSTODY": "ON"}, KEPT),
        (
            {"FLY_APP_NAME": "gw", "WEBHOOK_CUSTODY": "on"},
            "https://gw.fly.dev/telegram/webhook",
        ),
        (
            {
                "PUBLIC_URL": "https://gw.example.com",
                "FLY_APP_NAME": "x",
                "WEBHOOK_CUSTODY": "on",
            },
            KEPT,
        ),
        ({"PUBLIC_URL": "http://gw.example.com"}, None),
        (
            {"PUBLIC_URL": "http://10.0.0.1:8000", "TELEGRAM_API_URL": "http://127.0.0.1:8081"},
            "http://10.0.0.1:8000/telegram/webhook",
        ),
    ],
)
def test_the_webhook_is_kept_where_the_address_is_told(given, variables, url):
    assert given(**variables).kept_url == url


def test_an_address_that_telegram_does_not_post_to_is_a_warning(given):
    told = {
        warning.code: warning.message for warning in risks(given(PUBLIC_URL="http://x.example"))
    }
    assert "must begin with https://" in told["custody_off"]
    assert "no_secret" in told


def test_no_secret_is_no_risk_when_one_is_made_or_none_is_asked(given, monkeypatch):
    for variables in ({"PUBLIC_URL": "https://gw.example.com"}, {"INGEST_MODE": "polling"}):
        assert "no_secret" not in {warning.code for warning in risks(given(**variables))}
