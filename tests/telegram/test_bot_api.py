"""The door to the Bot API, against a server that behaves, and misbehaves, like Telegram's."""

from __future__ import annotations

import traceback

import pytest

from fakes.hostile import Hostile, garbage, half_a_head, http_0_9, reset_after_reading
from hookgram.core.kinds import KINDS
from hookgram.core.model import SECOND
from hookgram.core.webhook import Me, Webhook, Wish
from hookgram.demo.bot_api import FakeBotApi, No, Raw
from hookgram.errors import (
    TelegramConflict,
    TelegramError,
    TelegramRefused,
    TelegramUnavailable,
    TokenRejected,
)
from hookgram.telegram.answers import LARGEST_ANSWER
from hookgram.telegram.bot_api import BotApi

TOKEN = "123456:CANARY-CANARY-CANARY-CANARY"
URL = "https://gateway.example.com/telegram/webhook"


@pytest.fixture
async def server():
    async with FakeBotApi(TOKEN) as server:
        yield server


@pytest.fixture
async def api(server):
    async with BotApi(TOKEN, server.url, patience=0.5) as api:
        yield api


async def test_it_tells_who_the_bot_is(server, api):
    server.bots[TOKEN].reads_groups = True
    assert await api.me() == Me(bot_id=123456, username="demo_gateway_bot", reads_groups=True)


async def test_a_bot_without_webhook_has_an_empty_url(api):
    assert await api.webhook() == Webhook(url="")


async def test_what_is_set_is_what_is_told(server, api):
    await api.set_webhook(Wish(url=URL, secret="s3cret_-", connections=7))
    bot = server.bots[TOKEN]
    assert (bot.secret, bot.connections, bot.allowed) == ("s3cret_-", 7, list(KINDS))
    bot.pending, bot.error, bot.error_at = 3, "Connection refused", 1_700_000_000
    bot.synchronization_error_at = 1_700_000_001
    assert await api.webhook() == Webhook(
        url=URL,
        pending=3,
        address="203.0.113.7",
        connections=7,
        allowed=tuple(KINDS),
        error="Connection refused",
        error_at=1_700_000_000 * SECOND,
        synchronization_error_at=1_700_000_001 * SECOND,
    )


async def test_pending_updates_are_dropped_only_on_request(server, api):
    bot = server.bots[TOKEN]
    bot.pending = 3
    await api.set_webhook(Wish(url=URL, secret=None))
    await api.delete_webhook()
    assert (bot.pending, bot.url) == (3, "")
    await api.delete_webhook(drop_pending=True)
    assert bot.pending == 0


@pytest.mark.parametrize("ahead", [0, 90, -90])
async def test_it_compares_the_clocks(server, api, ahead):
    server.ahead = ahead
    await api.me()
    assert api.ahead == pytest.approx(-ahead * SECOND, abs=2 * SECOND)


@pytest.mark.parametrize(
    ("scripted", "raised", "wait"),
    [
        (No(401, "Unauthorized"), TokenRejected, None),
        (No(404, "Not Found"), TokenRejected, None),
        (No(400, "Bad Request: bad webhook: nonsense"), TelegramRefused, None),
        (No(403, "Forbidden"), TelegramRefused, None),
        (No(409, "Conflict: terminated by other setWebhook"), TelegramConflict, None),
        (No(429, "Too Many Requests: retry after 7", 7), TelegramUnavailable, 7.0),
        (No(429, "Too Many Requests: retry after 0"), TelegramUnavailable, None),
        (No(500, "Internal Server Error: restart"), TelegramUnavailable, None),
        (Raw(), TelegramUnavailable, None),
        (Raw(body=b"[" * 100_000), TelegramUnavailable, None),
        (Raw(body=b'{"ok":true,"result":7}'), TelegramUnavailable, None),
        (Raw(body=b'{"ok":true}'), TelegramUnavailable, None),
        (Raw(status=500, body=b'{"ok":false}'), TelegramUnavailable, None),
        (
            Raw(status=302, headers={"Location": f"/bot{TOKEN}/getWebhookInfo"}),
            TelegramUnavailable,
            None,
        ),
        (Raw(body=None, delay=5), TelegramUnavailable, None),
    ],
    ids=str,
)
async def test_trouble_is_told_in_our_words(server, api, scripted, raised, wait):
    server.script.append(scripted)
    with pytest.raises(TelegramError) as caught:
        await api.webhook()
    assert type(caught.value) is raised
    assert getattr(caught.value, "retry_after", None) == wait
    assert len(server.calls) == 1


async def test_a_token_that_is_unknown_is_rejected(server):
    async with BotApi("99:CANARY-CANARY-CANARY-CANARY", server.url) as api:
        with pytest.raises(TokenRejected):
            await api.me()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "https://127.0.0.1:1", "http://nowhere.invalid"]
)
async def test_no_server_is_unavailable_and_the_token_stays_secret(url):
    async with BotApi(TOKEN, url, patience=5) as api:
        with pytest.raises(TelegramUnavailable) as caught:
            await api.me()
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("behaviour", [garbage, half_a_head, http_0_9, reset_after_reading])
async def test_what_speaks_no_http_is_unavailable_and_the_token_stays_secret(behaviour):
    async with (
        Hostile(behaviour) as wicked,
        BotApi(TOKEN, wicked.url.removesuffix("/hook"), patience=5) as api,
    ):
        with pytest.raises(TelegramUnavailable) as caught:
            await api.me()
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


async def test_an_answer_has_a_limit(server, api):
    answer = (
        b'{"ok":true,"result":{"url":"","has_custom_certificate":false,"pending_update_count":0}}'
    )
    server.script += [Raw(body=answer), Raw(body=answer + b" " * LARGEST_ANSWER)]
    assert await api.webhook() == Webhook(url="")
    with pytest.raises(TelegramUnavailable, match="too large"):
        await api.webhook()


async def test_what_telegram_says_is_masked(server, api):
    server.script.append(No(400, f"Bad Request: https://h.example/{TOKEN}/x and {TOKEN}"))
    with pytest.raises(TelegramRefused) as caught:
        await api.me()
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))
