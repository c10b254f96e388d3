"""What cannot work is told at start, all at once, each with what to do, without a secret."""

from __future__ import annotations

import pytest

TAIL = "AAF0-this_is_a_token_of_the_tests_only"

WRONG = [
    ("BOT_TOKEN", "no-colon", "BotFather"),
    ("BOT_TOKEN", "abc:def", "BotFather"),
    ("BOT_TOKEN", "99999999999999999999:abcdef", "BotFather"),
    ("BOT_TOKEN", "123456:tökén", "BotFather"),
    ("TELEGRAM_SECRET_TOKEN", "with space", "A-Z"),
    ("TELEGRAM_SECRET_TOKEN", "x" * 257, "256"),
    ("TELEGRAM_SECRET_TOKEN", "sécret", "A-Z"),
    ("TELEGRAM_SECRET_TOKEN", TAIL, "bot token"),
    ("TELEGRAM_SECRET_TOKEN", f"123456:{TAIL}", "bot token"),
    ("OUTBOUND_SECRET", f"123456:{TAIL}", "bot token"),
    ("OUTBOUND_SECRET", "whsec_", "openssl"),
    ("TELEGRAM_WEBHOOK_PATH", "no-slash", '"/" first'),
    ("TELEGRAM_WEBHOOK_PATH", "/a b", "no spaces"),
    ("TELEGRAM_WEBHOOK_PATH", "/a%20b", "no spaces"),
    ("TELEGRAM_WEBHOOK_PATH", f"/{TAIL}", "bot token"),
    *[
        ("TELEGRAM_WEBHOOK_PATH", p, "taken")
        for p in ("/", "/health", "/health/ready/", "/stats", "/docs")
    ],
    ("TARGET_WEBHOOK_URL", "example.com/hook", "https://"),
    ("TARGET_WEBHOOK_URL", "ftp://example.com/", "http"),
    ("TARGET_WEBHOOK_URL", "https:///hook", "http"),
    ("TARGET_WEBHOOK_URL", "https://example.com:port/", "https://"),
    ("TARGET_WEBHOOK_URL", "https://[::1/", "https://"),
    ("TARGET_WEBHOOK_URL", "https://example.com/#part", "leave it out"),
    ("TARGET_WEBHOOK_URL", "https://example.com/a b", "leave it out"),
    ("TARGET_WEBHOOK_URLS", "https://example.com/a,nonsense", "number 2"),
    ("FANOUT_RETRY", "sometimes", "together or independent"),
    ("TARGET_SLOTS", "0", "1 to 1000"),
    ("PUBLIC_MODE", "maybe", "true or false"),
    ("AUTHORIZED_CHAT_IDS", "1,two", "commas"),
    ("RATE_LIMIT_PER_MIN", "-1", "0 to"),
    ("RATE_LIMIT_MAX_DELAY_SEC", "1e300", "0 to"),
    ("MAX_BODY_SIZE_KB", "0", "1 to"),
    ("FORWARD_TIMEOUT_SEC", "nan", "0.1 to 600"),
    ("MAX_RETRIES", "1.5", "whole number"),
    ("BASE_RETRY_DELAY_SEC", "0", "0.01 to"),
    ("DELIVERY_MAX_AGE_HOURS", "0", "0.01 to"),
    ("BREAKER_FAILURES", "-1", "0 to"),
    ("RETENTION_HOURS", "inf", "0 to"),
    ("DEAD_RETENTION_DAYS", "1e300", "0 to"),
    ("DEDUP_HOURS", "0", "0.01 to"),
    ("PORT", "abc", "'abc' is not possible; use a whole number from 0 to 65535"),
    ("PORT", "65536", "65535"),
    ("SHUTDOWN_GRACE_SEC", "-1", "0 to 600"),
    ("LOG_FORMAT", "xml", "auto, pretty or json"),
    ("LOG_LEVEL", "loud", "debug, info, warning or error"),
    ("SQLITE_PATH", ":memory:", "survive"),
    ("SQLITE_PATH", "file:events.db?mode=memory", "survive"),
    ("SQLITE_PATH", ".", "folder"),
    ("SQLITE_PATH", "~/events.db", "as it is written"),
    ("SQLITE_PATH", "$HOME/events.db", "as it is written"),
    ("TELEGRAM_API_URL", "api.telegram.org", "https://"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_value_that_cannot_work_is_told_with_what_to_do(problems, name, value, said):
    [problem] = problems(**{name: value})
    assert problem.startswith(f"{name}: ")
    assert said in problem


def test_custody_needs_an_address_and_a_webhook(problems):
    [problem] = problems(WEBHOOK_CUSTODY="on")
    assert problem == (
        "WEBHOOK_CUSTODY: needs our own address; set PUBLIC_URL, like https://gateway.example.com"
    )
    [problem] = problems(
        WEBHOOK_CUSTODY="on", PUBLIC_URL="https://gw.example.com", INGEST_MODE="polling"
    )
    assert "there is no webhook to keep with INGEST_MODE=polling" in problem


def test_a_missing_token_is_told_with_where_to_get_one(problems):
    assert problems(BOT_TOKEN="") == [
        "BOT_TOKEN: is not set; get a token from @BotFather and set it"
    ]


def test_everything_that_is_wrong_is_told_at_once(problems):
    found = problems(
        BOT_TOKEN_FILE="gone",
        TELEGRAM_WEBHOOK_PATH=f"/{TAIL}",
        TARGET_WEBHOOK_URL="nonsense",
        PORT="abc",
        LOG_LEVEL="loud",
    )
    assert [problem.partition(":")[0] for problem in found] == [
        "BOT_TOKEN",
        "TELEGRAM_WEBHOOK_PATH",
        "TARGET_WEBHOOK_URL",
        "PORT",
        "LOG_LEVEL",
    ]


def test_problems_never_show_a_secret(problems):
    found = problems(
        BOT_TOKEN="CANARY-1",
        TELEGRAM_SECRET_TOKEN="CANARY 2",
        TARGET_WEBHOOK_URL="ftp://CANARY3:CANARY4@example.com/CANARY5",
        TARGET_WEBHOOK_URLS="CANARY6,https://example.com/CANARY7#x",
        DATABASE_URL="mysql://CANARY8@db/x",
        OUTBOUND_SECRET_FILE="CANARY9",
    )
    assert len(found) == 6
    assert "CANARY" not in str(found)


def test_an_env_file_that_is_no_text_is_told(problems, folder):
    (folder / ".env").write_bytes(b"OUTBOUND_SECRET=\xff\xfe\n")
    assert problems() == [".env: is no UTF-8 text; save it as such"]


@pytest.mark.parametrize("line", ['TELEGRAM_SECRET_TOKEN="CANARY', "say CANARY", "=CANARY"])
def test_a_line_of_the_env_file_that_says_nothing_is_told(problems, folder, line):
    (folder / ".env").write_text(f"# mine\nPORT=9000\n{line}\n")
    assert problems(LOG_LEVEL="loud")[0] == ".env: line 3 cannot be read; write NAME=value"
    assert "CANARY" not in str(problems())


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_env_file_of_another_editor_is_read(given, folder, mark):
    (folder / ".env").write_bytes(f'{mark}PORT=9000\r\nOUTBOUND_SECRET="a b#c"\r\n'.encode())
    settings = given()
    assert settings.port == 9000
    assert settings.outbound_secret.get_secret_value() == "a b#c"


def test_a_token_whose_file_cannot_be_read_is_told_of_once(problems):
    [problem] = problems(BOT_TOKEN="", BOT_TOKEN_FILE="gone")
    assert problem.startswith("BOT_TOKEN_FILE: cannot be read")


@pytest.mark.parametrize(
    ("url", "word"),
    [("gateway.example.com", "not an http"), ("https://g.example.com/?key=CANARY", "query")],
)
def test_our_own_address_is_checked(problems, url, word):
    [problem] = problems(PUBLIC_URL=url)
    assert problem.startswith("PUBLIC_URL: ")
    assert word in problem
    assert "CANARY" not in problem
