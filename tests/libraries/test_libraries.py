"""Bots of real libraries behind the real gateway: each program of the documentation's pages."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections import Counter
from contextlib import AsyncExitStack, closing
from pathlib import Path

import msgspec
import pytest

from fakes.gateway import SECRET, TOKEN, Process
from hookgram.demo.bot_api import FakeBotApi
from hookgram.demo.journal import Journal
from hookgram.demo.rules import queue_id, split
from hookgram.demo.samples import KINDS, update
from hookgram.demo.sender import Sender
from libraries.programs import Program, without_node

CHATS = 4
FUTURE_ID = 999_000
FUTURE = b'{"update_id":999000,\n"future_kind":{"id":"1"}}'
LATER_THAN_PTB = {"subscription", "stopped_message_generation"}


SECOND, THIRD = "222222:BBF0-second_token_of_the_tests", "333333:CCF0-third_token_of_the_tests"
FILE = """
[[bots]]
name = "second"
token = "${SECOND_TOKEN}"
secret_token = "of-the-second"

[[bots]]
name = "third"
token = "${THIRD_TOKEN}"
secret_token = "of-the-third"
"""
DOORS = {"": SECRET, "/second": "of-the-second", "/third": "of-the-third"}
"""What Telegram sends to the webhook of each bot."""
NAMES = {TOKEN: "default", SECOND: "second", THIRD: "third"}
RESPONDERS = {"foreground", "grammy", "telegraf"}


def programs() -> list[Program]:
    foreground = ("handle_in_background=True", "handle_in_background=False")
    heard = ("aiogram heard", "foreground heard")
    return [
        Program("background", "aiogram.md", TOKEN),
        Program("foreground", "aiogram.md", TOKEN, foreground, heard),
        Program("ptb", "python-telegram-bot.md", TOKEN),
        Program("grammy", "grammy.md", SECOND),
        Program("telegraf", "telegraf.md", THIRD),
    ]


def posted() -> list[bytes]:
    """Write every kind for every chat twice, in an order by chance."""
    chance = random.Random(7)
    wanted = [(kind, chat) for kind in KINDS for chat in range(CHATS)] * 2
    chance.shuffle(wanted)
    return [update(n, kind, chat, chance) for n, (kind, chat) in enumerate(wanted, 1000)]


class Seen(msgspec.Struct):
    """What there was to see when everything had come."""

    received: dict[str, dict[int, str | None]]
    calls: list[tuple[str, dict[str, str]]]
    log: list[dict[str, object]]
    kept: list[dict[str, object]]
    """What the store keeps of replies."""
    answers: dict[str, tuple[int, int]]
    """What each bot answers to a wrong secret and to an update that it cannot read."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Seen:
    without_node()
    return asyncio.run(run(tmp_path_factory.mktemp("libraries")))


async def run(folder: Path) -> Seen:
    bots, bodies = programs(), [*posted(), FUTURE]
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(FakeBotApi(*NAMES))
        for bot in bots:
            stack.push_async_callback(bot.end)
            await bot.start(folder, api.url)
        (folder / "hookgram.toml").write_text(FILE + "".join(target(bot) for bot in bots))
        await asyncio.gather(*(bot.ready() for bot in bots))
        answers = {bot.name: (await bot.post("wrong"), await bot.post(bot.secret)) for bot in bots}
        gateway = Process(
            folder,
            CONFIG_FILE="hookgram.toml",
            SECOND_TOKEN=SECOND,
            THIRD_TOKEN=THIRD,
            TELEGRAM_API_URL=api.url,
        )
        await gateway.start()
        stack.push_async_callback(gateway.kill)
        journal = Journal(folder / "journal")
        stack.callback(journal.close)
        await asyncio.gather(
            *(send(gateway.url + path, secret, journal, bodies) for path, secret in DOORS.items())
        )
        expected = {split(body)[0] for body in bodies}
        await gateway.until(
            lambda: all(expected <= bot.received().keys() for bot in bots),
            what="receiving everything",
        )
        await gateway.until(lambda: said(api.calls).total() >= 7 * 2 * CHATS, what="saying it")
        assert await gateway.stop() == 0
        log = [json.loads(line) for line in gateway.log().splitlines() if line.startswith("{")]
        return Seen(
            {bot.name: bot.received() for bot in bots},
            list(api.calls),
            log,
            kept(gateway.database),
            answers,
        )


def kept(database: Path) -> list[dict[str, object]]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT members FROM attempt WHERE members IS NOT NULL")
        return [member for (members,) in rows for member in json.loads(members)]


async def send(url: str, secret: str, journal: Journal, bodies: list[bytes]) -> None:
    async with Sender(url, journal, secret=secret) as sender:
        for body in bodies:
            sender.post(body)
        await sender.drained(30)


def target(bot: Program) -> str:
    """Write the entry of a bot, as its page does."""
    responder = "responder = true" if bot.name in RESPONDERS else ""
    return f"""
[[targets]]
name = "{bot.name}"
url = "{bot.url}"
bots = ["{NAMES[bot.token]}"]
format = "update"
secret_token = "{bot.secret}"
{responder}
"""


def said(calls: list[tuple[str, dict[str, str]]]) -> Counter[str]:
    """Count what was said by which bot, and whether as a reply: those hold their method."""
    found: list[str] = []
    for method, given in calls:
        how = "reply" if "method" in given else "call"
        if method == "sendmessage":
            found.append(f"{given['text'].partition(' heard')[0]}: {how}")
        if method == "answercallbackquery":
            found.append(f"{given['text']} answered: {how}")
    return Counter(found)


@pytest.mark.parametrize("bot", ["background", "foreground", "ptb", "grammy", "telegraf"])
class TestEachLibrary:
    def test_it_receives_every_kind_as_what_it_is(self, seen, bot):
        unknown = LATER_THAN_PTB if bot == "ptb" else set()
        expected = {
            number: None if kind in unknown else kind for number, kind, _ in map(split, posted())
        }
        received = {
            number: kind for number, kind in seen.received[bot].items() if number < FUTURE_ID
        }
        assert received == expected

    def test_what_it_does_not_know_it_takes_all_the_same(self, seen, bot):
        assert seen.received[bot][FUTURE_ID] == (None if bot == "ptb" else "future_kind")

    def test_it_receives_the_updates_of_a_lane_in_their_order(self, seen, bot):
        lanes: dict[str | None, list[int]] = {}
        for number, kind, payload in map(split, posted()):
            lanes.setdefault(queue_id(kind, payload), []).append(number)
        received = list(seen.received[bot])
        for numbers in lanes.values():
            assert [number for number in received if number in set(numbers)] == numbers

    def test_each_delivery_is_taken_at_the_first_attempt(self, seen, bot):
        attempts = [line for line in seen.log if line.get("target") == bot and "attempt" in line]
        assert {line["outcome"] for line in attempts} == {"delivered"}
        assert len(attempts) == len(posted()) + 1


def test_to_what_it_cannot_take_each_answers_as_its_page_says(seen):
    assert seen.answers == {
        "background": (401, 200),
        "foreground": (401, 500),
        "ptb": (403, 400),
        "grammy": (401, 200),
        "telegraf": (403, 200),
    }


def test_what_the_bots_say_arrives_at_the_bot_api_once(seen):
    each = 2 * CHATS
    assert said(seen.calls) == {
        "aiogram: call": each,
        "foreground: reply": each,
        "python-telegram-bot: call": each,
        "grammY: call": each,
        "telegraf: call": each,
        "grammY answered: reply": each,
        "telegraf answered: reply": each,
    }


def test_the_outcome_of_each_reply_is_in_the_log(seen):
    ended = Counter(
        (line["target"], line["method"], line["outcome"]) for line in seen.log if "method" in line
    )
    assert ended == {
        ("foreground", "sendMessage", "executed"): 2 * CHATS,
        ("grammy", "answerCallbackQuery", "executed"): 2 * CHATS,
        ("telegraf", "answerCallbackQuery", "executed"): 2 * CHATS,
    }


def test_the_outcome_of_each_reply_is_kept(seen):
    assert len(seen.kept) == 3 * 2 * CHATS
    assert {(one["name"], one["ending"], one["status"]) for one in seen.kept} == {
        ("telegram", "executed", 200)
    }


def test_a_bot_registers_nothing_but_the_gateway(seen):
    given = [given["url"] for method, given in seen.calls if method == "setwebhook"]
    assert given == ["https://gateway.example.com/telegram/webhook"]
    assert not any(method == "deletewebhook" for method, _ in seen.calls)
