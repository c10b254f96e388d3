"""Custody: the webhook is set, left alone while right, taken back, given way about."""

from __future__ import annotations

import asyncio
import time

import pytest

from fakes.pollers import BOT, TOKEN, until, wall_clock
from hookgram.core.facts import (
    CustodyHindered,
    CustodyResumed,
    DutyHeld,
    WebhookContested,
    WebhookFailing,
    WebhookSet,
    WebhookStolen,
)
from hookgram.core.kinds import KINDS
from hookgram.core.webhook import Wish
from hookgram.demo.bot_api import No, Raw
from hookgram.telegram.custody import Custodian
from hookgram.telegram.duty import Shift

PATH = "/telegram/webhook"
WISH = Wish(url=f"https://gateway.example.com{PATH}", secret="the_secret")


@pytest.fixture
def bot(server):
    return server.bots[TOKEN]


@pytest.fixture
async def keep(replica, server):
    """Start to keep the webhook, with waits a hundred times shorter."""
    kept = []

    async def start(name="one", *, wish=WISH, url=None, clock=wall_clock):
        one = await replica(name)
        custodian = Custodian(
            bot=BOT,
            token=TOKEN,
            base_url=url or server.url,
            wish=wish,
            path=PATH,
            book=one.store,
            shift=Shift(one.store, "custody/123456", name, one.facts, renew=0.05),
            clock=clock,
            notice=one.facts,
            haste=300,
        )
        one.custodian = custodian
        one.running = asyncio.create_task(custodian.run(one.stop))
        kept.append(one)
        return one

    yield start
    for one in kept:
        await one.end()


def sets(server):
    return [given for method, given in server.calls if method == "setwebhook"]


def looks(server):
    return sum(method == "getwebhookinfo" for method, _ in server.calls)


async def test_it_sets_the_webhook_once_and_then_leaves_it_alone(server, bot, keep):
    one = await keep()
    await one.facts.wait(WebhookSet)
    assert (bot.url, bot.secret, bot.connections) == (WISH.url, "the_secret", 40)
    assert bot.allowed == list(KINDS)
    await until(lambda: looks(server) >= 3)
    assert len(sets(server)) == 1
    assert sets(server)[0].get("drop_pending_updates", "false") == "false"


async def test_after_a_restart_what_is_right_is_not_set_again(server, bot, keep, replica):
    one = await keep()
    await one.facts.wait(WebhookSet)
    await one.end()
    two = await keep("two")
    seen = looks(server)
    await until(lambda: looks(server) >= seen + 2)
    assert len(sets(server)) == 1
    assert not two.facts.of(WebhookStolen)


async def test_a_theft_is_told_without_its_path_and_repaired(server, bot, keep):
    one = await keep()
    await one.facts.wait(WebhookSet)
    bot.url, bot.next_set = "https://thief.example/CANARY", 0
    [stolen] = await one.facts.wait(WebhookStolen)
    assert stolen.place == "https://thief.example/…"
    await one.facts.wait(WebhookSet, count=2)
    assert bot.url == WISH.url
    assert "the_secret" not in repr(one.facts.all)


async def test_it_gives_way_to_somebody_who_sets_it_again_and_again(server, bot, keep):
    one = await keep()
    await one.facts.wait(WebhookSet)
    for count in (2, 3, 4):
        bot.url, bot.next_set = "https://thief.example/x", 0
        await one.facts.wait(WebhookSet, count=count)
    bot.url, bot.next_set = "https://thief.example/x", 0
    await one.facts.wait(WebhookContested)
    seen = looks(server)
    await until(lambda: looks(server) >= seen + 2)
    assert bot.url == "https://thief.example/x"
    assert len(one.facts.of(WebhookContested)) == 1
    assert len(sets(server)) == 4


async def test_a_new_secret_reaches_telegram(server, bot, keep):
    one = await keep()
    await one.facts.wait(WebhookSet)
    await one.end()
    bot.next_set = 0
    two = await keep("two", wish=Wish(url=WISH.url, secret="another"))
    await two.facts.wait(WebhookSet)
    assert bot.secret == "another"


async def test_what_telegram_complains_of_is_explained(server, bot, keep):
    one = await keep()
    await one.facts.wait(WebhookSet)
    bot.error, bot.error_at = "Connection refused", int(time.time())
    [failing] = await one.facts.wait(WebhookFailing)
    assert failing.means == "the machine is there but nothing listens on the port"
    assert len(sets(server)) == 1


async def test_trouble_at_telegram_is_told_once_and_waited_for(server, bot, keep):
    server.script += [Raw(status=502)] * 3
    one = await keep()
    await one.facts.wait(WebhookSet)
    await one.facts.wait(CustodyResumed)
    assert len(one.facts.of(CustodyHindered)) == 1


async def test_a_limit_is_honoured(server, bot, keep):
    server.script += [No(429, "Too Many Requests: retry after 30", retry_after=30)]
    one = await keep()
    [told] = await one.facts.wait(CustodyHindered)
    assert told.wait == 30_000_000
    await one.facts.wait(WebhookSet)


async def test_a_telegram_that_is_down_stops_nothing(keep):
    one = await keep(url="http://127.0.0.1:9")
    [told] = await one.facts.wait(CustodyHindered)
    assert "CANARY" not in told.reason
    began = time.monotonic()
    await one.end()
    assert time.monotonic() - began < 5


async def test_it_stops_at_once_while_telegram_is_silent(server, keep):
    server.script.append(Raw(delay=60))
    one = await keep()
    await until(lambda: looks(server))
    began = time.monotonic()
    await one.end()
    assert time.monotonic() - began < 2


async def test_one_of_two_replicas_keeps_it(server, bot, keep):
    one = await keep()
    await one.facts.wait(WebhookSet)
    two = await keep("two")
    await two.facts.wait(DutyHeld)
    assert not two.facts.of(WebhookSet)
    await one.end()
    bot.url, bot.next_set = "", 0
    await two.facts.wait(WebhookSet)
