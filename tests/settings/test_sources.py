"""Where settings come from, and which source wins."""

from __future__ import annotations

import pytest

from hookgram.settings.sources import origins

TOKEN = "123456:AAF0-this_is_a_token_of_the_tests_only"


def test_the_environment_wins_over_the_env_file(given, folder):
    (folder / ".env").write_text("PORT=9001\nMAX_RETRIES=7\n")
    settings = given(PORT="9000")
    assert (settings.port, settings.max_retries) == (9000, 7)


def test_an_empty_value_is_as_if_it_were_not_there(given):
    settings = given(
        PORT="", TARGET_WEBHOOK_URL="", AUTHORIZED_CHAT_IDS="", TELEGRAM_SECRET_TOKEN=""
    )
    assert settings.port == 8000
    assert settings.definitions() == []
    assert settings.ingest_secret is None


@pytest.mark.parametrize(
    "text", ["1,-2", " 1 , -2 ", "1,-2,", ",1,,-2,,", "[1, -2]", '["1", "-2"]'], ids=repr
)
def test_chat_ids_are_read_as_they_are_written(given, text):
    assert given(AUTHORIZED_CHAT_IDS=text).authorized_chat_ids == {1, -2}


@pytest.mark.parametrize("text", ["http://a/1, http://b/2,", '["http://a/1", "http://b/2"]'])
def test_urls_are_read_as_they_are_written(given, text):
    assert given(TARGET_WEBHOOK_URLS=text).target_webhook_urls == ("http://a/1", "http://b/2")


@pytest.mark.parametrize("name", ["TELEGRAM_SECRET_TOKEN", "OUTBOUND_SECRET"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_can_stand_in_a_file(given, folder, name, end):
    (folder / "kept").write_text(f"canary-canary{end}", newline="")
    settings = given(**{f"{name}_FILE": "kept"})
    assert getattr(settings, name.lower()).get_secret_value() == "canary-canary"


def test_the_token_can_stand_in_a_file(given, folder):
    (folder / "kept").write_text(TOKEN + "\n")
    assert given(BOT_TOKEN="", BOT_TOKEN_FILE="kept").bots()[0].bot.bot_id == 123456


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff", b"x" * 70_000])
def test_a_secret_file_without_a_secret_is_told_and_never_means_no_secret(
    problems, folder, content
):
    (folder / "kept").write_bytes(content)
    [problem] = problems(TELEGRAM_SECRET_TOKEN_FILE="kept")
    assert problem.startswith("TELEGRAM_SECRET_TOKEN_FILE: ")


def test_a_secret_given_twice_is_told(problems, folder):
    (folder / "kept").write_text("canary")
    [problem] = problems(OUTBOUND_SECRET="canary", OUTBOUND_SECRET_FILE="kept")
    assert "both OUTBOUND_SECRET and OUTBOUND_SECRET_FILE" in problem


def test_the_source_of_each_setting_is_known(given, folder):
    (folder / ".env").write_text("PORT=9001\nHOST=127.0.0.1\n")
    (folder / "kept").write_text("canary")
    given(PORT="9000", OUTBOUND_SECRET_FILE="kept")
    found = origins(["PORT", "HOST", "OUTBOUND_SECRET", "LOG_LEVEL"], folder / ".env")
    assert found == {
        "PORT": "environment",
        "HOST": ".env",
        "OUTBOUND_SECRET": "environment, OUTBOUND_SECRET_FILE",
        "LOG_LEVEL": "default",
    }
