"""The doctor's checks against real servers and a real store."""

from __future__ import annotations

import asyncio
import hmac
import json
import time

import pytest

from fakes.hostile import Hostile, healthy
from hookgram.cli.doctor import checks
from hookgram.core.doctor.finding import found
from hookgram.core.doctor.platform import Platform
from hookgram.core.kinds import KINDS
from hookgram.core.signing import key_of
from hookgram.demo.bot_api import No, Raw
from hookgram.demo.journal import Journal
from hookgram.demo.receiver import Receiver
from hookgram.store.sqlite import TAKING, hold, open_sqlite
from store.makers import bury, claim_one, owe, register


def codes(findings):
    assert "CANARY" not in str(findings)
    return [finding.code for finding in findings]


def level_of(findings, code):
    [one] = [finding for finding in findings if finding.code == code]
    return one


# Telegram and the clock


async def test_a_sound_webhook_is_found_right(settings):
    findings = await checks.check_telegram(settings(), KINDS)
    # The fake says that it posts to 203.0.113.7, where localhost does not lead.
    told = ["token_known", "webhook_right", "webhook_address", "webhook_secret", "clock_right"]
    assert codes(findings) == told
    assert level_of(findings, "token_known").sentence == "the token is @demo_gateway_bot's"


@pytest.mark.parametrize(
    ("scripted", "code"),
    [
        (No(401, "Unauthorized"), "token_rejected"),
        (No(404, "Not Found"), "token_rejected"),
        (No(409, "Conflict: terminated by other getUpdates request"), "telegram_refused"),
        (No(429, "Too Many Requests: retry after 9", 9), "telegram_unavailable"),
        (No(502, "Bad Gateway"), "telegram_unavailable"),
        (Raw(), "telegram_unavailable"),
    ],
    ids=str,
)
async def test_what_telegram_says_wrong_is_a_finding(server, settings, scripted, code):
    server.script.append(scripted)
    assert codes(await checks.check_telegram(settings(), KINDS)) == [code, "clock_right"]


async def test_trouble_after_the_first_call_keeps_what_was_found(server, settings):
    server.script += [Raw(body=None), No(500, "Internal Server Error")]
    assert codes(await checks.check_telegram(settings(), KINDS)) == [
        *("token_known", "telegram_unavailable", "clock_right")
    ]


async def test_no_server_at_all_is_a_finding(settings):
    found_ = await checks.check_telegram(settings(TELEGRAM_API_URL="http://127.0.0.1:1"), KINDS)
    assert codes(found_) == ["telegram_unavailable"]
    assert "Connection refused" in found_[0].sentence


async def test_the_clock_is_compared_with_telegrams(server, settings):
    server.ahead = 3600
    assert "clock_wrong" in codes(await checks.check_telegram(settings(), KINDS))


async def test_a_complaint_of_telegrams_is_explained(server, settings):
    [bot] = server.bots.values()
    bot.error, bot.error_at = "Wrong response from the webhook: 403 Forbidden", int(time.time())
    one = level_of(await checks.check_telegram(settings(), KINDS), "webhook_failing")
    assert "TELEGRAM_SECRET_TOKEN" in one.sentence


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"PUBLIC_URL": "https://other.example"}, "webhook_elsewhere"),
        ({"PUBLIC_URL": ""}, "webhook_unverified"),
        ({"PUBLIC_URL": "", "RAILWAY_PUBLIC_DOMAIN": "localhost"}, "webhook_right"),
        ({"PUBLIC_URL": "", "RAILWAY_PUBLIC_DOMAIN": "x.up.railway.app"}, "webhook_unverified"),
        ({"PUBLIC_URL": "", "TELEGRAM_WEBHOOK_PATH": "/other"}, "webhook_elsewhere"),
        ({"INGEST_MODE": "polling"}, "polling_blocked"),
    ],
)
async def test_the_webhook_is_compared_with_our_own_address(settings, variables, code):
    assert codes(await checks.check_telegram(settings(**variables), KINDS))[1] == code


# The store


async def test_a_store_at_work_is_described(settings, tmp_path):
    chosen = settings(TARGET_WEBHOOK_URL="http://127.0.0.1:1/")
    path = tmp_path / "events.db"
    store = await open_sqlite(path, clock=checks.now)
    try:
        target, shop = await register(store, "target", "shop")
        for one in (target, shop):
            await owe(store, one)
        await owe(store, target)
        await bury(store, await claim_one(store, target))
        with hold(path), hold(path, TAKING):
            findings = await checks.check_store(chosen, Platform.MACHINE)
    finally:
        await store.close()
    assert {"store_sound", "store_running", "dead_letters", "orphan"} <= set(codes(findings))
    assert level_of(findings, "dead_letters").subject == "target"
    assert level_of(findings, "orphan").subject == "shop"


async def test_no_store_yet_is_a_note_and_none_is_made(settings, tmp_path):
    assert "store_new" in codes(await checks.check_store(settings(), Platform.MACHINE))
    assert not (tmp_path / "events.db").exists()


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("/proc/events.db", None, "store_readonly"),
        ("/dev/shm/hookgram-is-not-here/events.db", None, "store_in_memory"),  # noqa: S108
        ("garbage.db", b"this is no database, " * 1000, "store_broken"),
    ],
)
async def test_what_is_wrong_with_the_store_is_told(settings, tmp_path, path, content, code):
    if content is not None:
        (tmp_path / path).write_bytes(content)
    findings = await checks.check_store(settings(SQLITE_PATH=path), Platform.MACHINE)
    assert code in codes(findings)


# Targets


@pytest.fixture
async def receiver(tmp_path):
    journal = Journal(tmp_path / "journal")
    async with Receiver("CANARY", journal, secret="CANARY-3-CANARY-3-CANARY-3") as receiver:
        yield receiver
    journal.close()


async def test_a_target_is_connected_to_and_sent_nothing(receiver):
    assert codes(await checks.check_url("target", receiver.url)) == ["target_reached"]
    assert receiver.count == 0


async def test_a_target_that_is_down_is_a_problem():
    findings = await checks.check_url("target", "http://u:CANARY@127.0.0.1:1/CANARY")
    assert codes(findings) == ["target_unreached"]


async def test_the_test_is_signed_and_says_that_it_is_one(settings):
    async with Hostile(healthy("204 No Content", b"")) as server:
        [definition] = settings(TARGET_WEBHOOK_URL=server.url).definitions()
        findings = await checks.check_test(definition, 123456)
    assert codes(findings) == ["target_took_test"]
    [request] = server.requests
    secret = "CANARY-3-CANARY-3-CANARY-3"
    assert request.header("X-Gateway-Test") == "true"
    expected = hmac.digest(key_of(secret), request.body, "sha256").hex()
    assert request.header("X-Gateway-Signature") == expected
    body = json.loads(request.body)
    told = {"event": "test", "chat_id": None, "user_id": None, "update_id": None, "bot_id": 123456}
    assert body | told == body
    assert body["event_id"] == request.header("webhook-id")


async def test_a_test_that_is_not_taken_is_a_problem_for_each_member(settings):
    async with Hostile(healthy()) as good, Hostile(healthy("500 Oops")) as bad:
        variables = {"TARGET_WEBHOOK_URLS": f"{good.url},{bad.url}"}
        [definition] = settings(**variables).definitions()
        [finding] = await checks.check_test(definition, 1)
    assert finding.code == "target_refused_test"
    assert "status 500" in finding.sentence
    assert "/hook" not in finding.sentence


# All of it


async def test_a_check_that_never_ends_or_has_a_bug_does_not_hide_the_others(monkeypatch):
    monkeypatch.setattr(checks, "DEADLINE", 0.05)

    async def endless():
        await asyncio.get_running_loop().create_future()

    async def broken():
        raise RuntimeError("CANARY")

    async def fine():
        return [found("store_idle", "no gateway works on the store now")]

    chosen = {"endless": endless, "broken": broken, "fine": fine}
    findings = [finding async for finding in checks.run(chosen)]
    assert sorted(codes(findings)) == ["not_checked", "not_checked", "store_idle"]
    assert {finding.subject for finding in findings} == {"endless", "broken", ""}


async def test_findings_come_as_soon_as_they_are_there():
    gate = asyncio.Event()

    async def late():
        await gate.wait()
        return [found("store_new", "late")]

    async def early():
        return [found("store_idle", "early")]

    findings = checks.run({"late": late, "early": early})
    assert (await anext(findings)).sentence == "early"
    gate.set()
    assert [one.sentence async for one in findings] == ["late"]
