"""The documentation of the settings is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hookgram.settings import load, table

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/settings.md"
EXAMPLE = ROOT / ".env.example"

CONTRACT = [
    "BOT_TOKEN",
    "TELEGRAM_SECRET_TOKEN",
    "TELEGRAM_WEBHOOK_PATH",
    "TARGET_WEBHOOK_URL",
    "TARGET_WEBHOOK_URLS",
    "FANOUT_RETRY",
    "TARGET_SLOTS",
    "PUBLIC_MODE",
    "AUTHORIZED_CHAT_IDS",
    "RATE_LIMIT_PER_MIN",
    "RATE_LIMIT_MAX_DELAY_SEC",
    "MAX_BODY_SIZE_KB",
    "FORWARD_TIMEOUT_SEC",
    "QUEUE_BACKEND",
    "SQLITE_PATH",
    "DATABASE_URL",
    "DATABASE_DIRECT_URL",
    "MAX_RETRIES",
    "BASE_RETRY_DELAY_SEC",
    "DELIVERY_MAX_AGE_HOURS",
    "BREAKER_FAILURES",
    "RETENTION_HOURS",
    "DEAD_RETENTION_DAYS",
    "DEDUP_HOURS",
    "OUTBOUND_SECRET",
    "ROLE",
    "HOST",
    "PORT",
    "SHUTDOWN_GRACE_SEC",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "CONFIG_FILE",
    "INGEST_MODE",
    "PUBLIC_URL",
    "WEBHOOK_CUSTODY",
    "TELEGRAM_API_URL",
]


def test_the_example_is_not_stale():
    made = table.as_example()
    assert EXAMPLE.read_text() == made, "run: hookgram config --example > .env.example"


@pytest.mark.parametrize(
    ("file", "pattern"), [(PAGE, r"^\| `([A-Z_]+)`"), (EXAMPLE, r"^(?:# )?([A-Z_]+)=")]
)
def test_every_setting_stands_in_it_once(file, pattern):
    assert sorted(re.findall(pattern, file.read_text(), re.MULTILINE)) == sorted(CONTRACT)


def test_the_example_can_be_used_as_it_is(folder):
    (folder / ".env").write_text(EXAMPLE.read_text())
    assert load().bots()[0].bot.bot_id == 123456


def test_every_line_of_the_example_says_the_default_and_can_be_uncommented(folder):
    (folder / ".env").write_text(EXAMPLE.read_text())
    untouched = load()
    (folder / ".env").write_text(
        re.sub(r"^# (?=[A-Z_]+=)", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    )
    assert load() == untouched
