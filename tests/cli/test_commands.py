"""The command line as a real process: its answers, its exit codes, and no secret in them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

TOKEN = "123456:CANARY-CANARY-CANARY-CANARY"
SECRETS = {
    "BOT_TOKEN": TOKEN,
    "TELEGRAM_SECRET_TOKEN": "CANARY2",
    "OUTBOUND_SECRET": "CANARY3",
    "TARGET_WEBHOOK_URL": "https://CANARY4:CANARY5@h.example:8443/CANARY6?k=CANARY7",
}


@pytest.fixture
def hookgram(tmp_path):
    """Run a command in a folder of its own, with these variables and nothing of the machine's."""

    def run(*words, **variables):
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return subprocess.run(
            [sys.executable, "-m", "hookgram", *words],
            env={
                **kept,
                "HOME": str(tmp_path),
                "PYTHONWARNINGS": "error",
                "PYTHONUTF8": "1",
                **variables,
            },
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run


def test_help_names_the_commands(hookgram):
    result = hookgram("--help")
    assert result.returncode == 0
    assert {"serve", "demo", "config"} <= set(result.stdout.split())


def test_the_version_is_told(hookgram):
    from hookgram import __version__  # noqa: PLC0415

    assert hookgram("--version").stdout == f"hookgram {__version__}\n"


def test_help_loads_no_server_and_no_client():
    code = (
        "import sys, hookgram.cli.main as m; sys.argv = ['hookgram', '--help']; m.main(); "
        "heavy = {'aiogram', 'aiohttp', 'apsw', 'fastapi', 'pydantic_settings', 'uvicorn'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "words", [["nonsense"], ["serve", "--port", "65536"], ["config", "--nonsense"]]
)
def test_wrong_usage_ends_with_2(hookgram, words):
    assert hookgram(*words).returncode == 2


@pytest.mark.parametrize("words", [["config"], ["config", "--json"], ["serve"]])
def test_settings_that_cannot_work_are_listed_and_end_with_78(hookgram, words):
    result = hookgram(*words, PORT="abc", TELEGRAM_SECRET_TOKEN="CANARY 1")
    assert result.returncode == 78
    assert result.stdout == ""
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        "hookgram cannot start with these settings",
        "  • BOT_TOKEN",
        "  • TELEGRAM_SECRET_TOKEN",
        "  • PORT",
    ]
    assert "CANARY" not in result.stderr


def test_config_shows_values_and_sources_without_secrets(hookgram):
    result = hookgram("config", "--json", PORT="9000", AUTHORIZED_CHAT_IDS="1,-2", **SECRETS)
    assert result.returncode == 0
    rows = {row["name"]: (row["value"], row["source"]) for row in json.loads(result.stdout)}
    assert rows["PORT"] == (9000, "environment")
    assert rows["AUTHORIZED_CHAT_IDS"] == ([-2, 1], "environment")
    assert rows["TARGET_WEBHOOK_URL"] == ("https://h.example:8443/…", "environment")
    assert rows["OUTBOUND_SECRET"] == ("***", "environment")
    assert rows["LOG_LEVEL"] == ("info", "default")
    assert "CANARY" not in result.stdout + result.stderr


def test_config_is_plain_lines_when_piped(hookgram):
    result = hookgram("config", **SECRETS)
    assert "PORT=8000\t# default\n" in result.stdout
    assert "CANARY" not in result.stdout + result.stderr


@pytest.mark.parametrize("columns", [80, 200])
def test_config_is_a_table_that_fits_a_terminal(hookgram, columns):
    result = hookgram("config", FORCE_COLOR="1", TERM="xterm", COLUMNS=str(columns), **SECRETS)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout).splitlines()
    assert max(map(len, lines)) <= columns
    assert any(line.split()[:2] == ["TELEGRAM_WEBHOOK_PATH", "/telegram/webhook"] for line in lines)
    assert "CANARY" not in result.stdout


def test_the_receivers_form_of_the_secret_is_what_libraries_want(hookgram):
    from hookgram.core.signing import receiver_secret  # noqa: PLC0415

    result = hookgram("config", "--receiver", BOT_TOKEN=TOKEN, OUTBOUND_SECRET="a secret of ours")
    assert result.stdout == receiver_secret("a secret of ours") + "\n"
    assert hookgram("config", "--receiver", BOT_TOKEN=TOKEN).returncode == 78


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ("hookgram.errors.SettingsError(['PORT: no'])", 78),
        ("hookgram.errors.StoreInUse('in use')", 75),
        ("hookgram.errors.StoreBroken('broken')", 74),
        ("OSError(98, 'Address already in use')", 75),
        ("RuntimeError('a bug with CANARY3 and https://h.example/CANARY6')", 1),
    ],
)
def test_the_end_of_a_command_is_an_exit_code(tmp_path, raised, code):
    script = (
        "import sys, hookgram.errors, hookgram.cli.main as m\n"
        f"def fail(**_): raise {raised}\n"
        "m.cli.command('fail')(lambda: fail())\n"
        "sys.argv = ['hookgram', 'fail']\n"
        "sys.exit(m.main())\n"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **SECRETS}
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == code, result.stderr
    assert "CANARY" not in result.stderr
    assert ("Traceback" in result.stderr) == (code == 1)
