"""``hookgram doctor`` as a real process: its words, its exit code, what it loads, what it hides."""

from __future__ import annotations

import asyncio
import json
import re
import sys

import pytest

from fakes.hostile import Hostile, healthy
from hookgram.store.sqlite import open_sqlite

DEADLINE = 60.0
EVENT_ID = "evt_[0-7][0-9A-HJKMNP-TV-Z]{25}"


@pytest.fixture
def hookgram(tmp_path, sound):
    """Run a command with the sound settings, some of them changed."""

    async def run(*words, python=("-m", "hookgram"), **variables):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *python, *words),
            env={**sound, **variables},
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate()
        assert b"CANARY" not in out + err
        return process.returncode, out.decode(), err.decode()

    return run


@pytest.fixture
async def target():
    async with Hostile(healthy()) as server:
        yield server


@pytest.fixture
async def store(tmp_path):
    await (await open_sqlite(tmp_path / "events.db", clock=lambda: 1)).close()


@pytest.mark.usefixtures("store")
async def test_a_sound_gateway_has_no_problem(hookgram, target):
    code, out, err = await hookgram("doctor", "--send-test", TARGET_WEBHOOK_URL=target.url)
    assert (code, err) == (0, "")
    told = {line.split(" ")[1].rstrip(":") for line in out.splitlines()[:-1]}
    assert told >= {
        *("settings_sound", "store_sound", "store_idle", "token_known", "webhook_right"),
        *("clock_right", "target_reached", "target_took_test", "platform"),
    }
    assert out.splitlines()[-1].startswith("0 problems, ")
    [posted] = target.requests
    assert re.fullmatch(EVENT_ID, posted.header("webhook-id"))


@pytest.mark.usefixtures("store")
async def test_a_test_comes_from_a_bot_that_the_target_takes(hookgram, target, tmp_path):
    (tmp_path / "hookgram.toml").write_text(
        '[[bots]]\nname = "shop"\ntoken = "654321:BBF0-another_token_of_the_tests"\n'
        f'[[targets]]\nname = "orders"\nurl = "{target.url}"\nbots = ["shop"]\n'
    )
    await hookgram("doctor", "--send-test", CONFIG_FILE="hookgram.toml")
    [posted] = target.requests
    assert json.loads(posted.body)["bot_id"] == 654321


async def test_json_is_a_list_of_findings_in_the_tables_order(hookgram):
    code, out, _ = await hookgram(
        "doctor", "--no-network", "--json", TELEGRAM_SECRET_TOKEN="", WEBHOOK_CUSTODY="off"
    )
    assert code == 1
    findings = json.loads(out)
    assert all(
        set(one) == {"code", "area", "level", "subject", "sentence", "remedy"} for one in findings
    )
    told = [one["code"] for one in findings]
    assert told[:3] == ["settings_sound", "no_secret", "no_target"]
    assert "token_known" not in told


async def test_settings_that_cannot_be_read_are_findings_too(hookgram):
    code, out, err = await hookgram("doctor", "--json", PORT="abc", SQLITE_PATH=":memory:")
    assert (code, err) == (1, "")
    wrong = [one for one in json.loads(out) if one["code"] == "setting_wrong"]
    assert [one["subject"] for one in wrong] == ["PORT", "SQLITE_PATH"]
    assert all(one["sentence"] and one["remedy"] for one in wrong)


@pytest.mark.usefixtures("store")
async def test_without_network_nobody_is_asked_and_nothing_heavy_is_loaded(hookgram, target):
    script = (
        "import sys, hookgram.cli.main as m; sys.argv = ['hookgram', 'doctor', '--no-network']; "
        "code = m.main(); heavy = {'aiogram', 'aiohttp', 'fastapi', 'uvicorn'}; "
        "print(sorted(heavy & set(sys.modules))); sys.exit(code)"
    )
    code, out, err = await hookgram(python=("-c", script), TARGET_WEBHOOK_URL=target.url)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "[]"
    assert "were not asked" in out
    assert target.connections == 0


@pytest.mark.parametrize("columns", [80, 200])
async def test_on_a_terminal_it_fits(hookgram, columns):
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": str(columns)}
    unkept = {"TELEGRAM_SECRET_TOKEN": "", "WEBHOOK_CUSTODY": "off"}
    _, out, _ = await hookgram("doctor", "--no-network", **unkept, **terminal)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
    assert max(map(len, lines)) <= columns
    assert any(line.startswith("✗ settings  ANYBODY CAN POST UPDATES") for line in lines)
    assert any(line.strip().startswith("→ set it") for line in lines)


async def test_a_hanging_name_server_or_target_does_not_hold_up_the_end(hookgram):
    async def hang(exchange):
        await exchange.gone()

    async with Hostile(hang) as slow:
        url = slow.url.replace("http://", "https://")
        code, out, _ = await hookgram("doctor", TARGET_WEBHOOK_URL=url)
    assert code == 1
    assert "no connection within 5 s" in out
