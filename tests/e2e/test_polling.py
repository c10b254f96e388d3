"""Polling, from outside: a real process, killed at any moment, loses nothing that Telegram gave."""

from __future__ import annotations

import json
import random
import sys
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import apsw

from core.test_sample_updates import cut
from fakes.gateway import SECRET, TOKEN, Process, gateway
from fakes.postgres import running
from hookgram.demo.bot_api import FakeBotApi
from hookgram.demo.journal import Journal
from hookgram.demo.receiver import Receiver
from hookgram.demo.samples import updates

BROKEN = Path(__file__).parents[1] / "fakes" / "broken.py"
SAMPLES = Path(__file__).parents[1] / "data" / "updates.jsonl"


class Scene:
    """A simulated Telegram that is asked, one target, and one gateway process after another."""

    def __init__(self, folder: Path, command: list[str] | None = None, **settings: str) -> None:
        self._stack = AsyncExitStack()
        self.folder = folder
        self._command = command
        self._settings = settings

    async def __aenter__(self):
        self.server = await self._stack.enter_async_context(FakeBotApi(TOKEN))
        self.waiting = self.server.bots[TOKEN].waiting
        journal = Journal(self.folder / "target.jsonl")
        self._stack.callback(journal.close)
        self.target = await self._stack.enter_async_context(Receiver("target", journal))
        self.process = Process(
            self.folder,
            command=self._command,
            INGEST_MODE="polling",
            TELEGRAM_API_URL=self.server.url,
            **{
                "TELEGRAM_SECRET_TOKEN": "",
                "TARGET_WEBHOOK_URL": self.target.url,
                "MAX_RETRIES": "200",
                **self._settings,
            },
        )
        self._stack.push_async_callback(self._end)
        await self.process.start()
        return self

    async def _end(self) -> None:
        if self.process.running:
            await self.process.kill()

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def give(self, *bodies: bytes) -> None:
        for body in bodies:
            self.waiting.add(json.loads(body)["update_id"], body)

    async def kill(self) -> None:
        await self.process.kill()
        await self.process.start()

    async def all_taken(self) -> None:
        await self.process.until(lambda: not len(self.waiting), what="the last confirmation")

        async def nothing_queued() -> bool:
            return (await self.process.get("/stats"))[1].get("queued") == 0

        await self.process.until(nothing_queued, what="the end of all work")

    def stored(self) -> list[bytes]:
        return bodies_in(self.process.database)


def bodies_in(database: Path) -> list[bytes]:
    db = apsw.Connection(str(database))
    try:
        return [body for (body,) in db.execute("SELECT body FROM event ORDER BY seq")]
    finally:
        db.close()


async def test_kills_during_polling_lose_nothing(tmp_path):
    chance = random.Random(11)
    bodies = list(islice(updates(chats=60), 1300))
    left = iter(bodies)
    async with Scene(tmp_path) as scene:
        for _ in range(8):
            scene.give(*islice(left, 150))
            enough = scene.target.count + chance.randrange(1, 120)
            await scene.target.until(lambda enough=enough: scene.target.count >= enough, 30)
            await scene.kill()
        scene.give(*left)
        await scene.all_taken()
        assert await scene.process.stop() == 0
        assert scene.stored() == bodies
        received = {entry["update_id"] for entry in scene.target.journal.entries}
        assert received == {json.loads(body)["update_id"] for body in bodies}


async def test_it_is_noticed_when_updates_are_confirmed_before_they_are_kept(tmp_path):
    command = [sys.executable, "-P", str(BROKEN), "reply_before_commit", "serve"]
    bodies = list(islice(updates(chats=60), 300))
    async with Scene(tmp_path, command=command) as scene:
        scene.give(*bodies)
        await scene.process.until(lambda: not len(scene.waiting), what="the last confirmation")
        await scene.process.kill()
        assert len(scene.stored()) < len(bodies)


async def test_every_sample_is_stored_alike_however_it_comes(tmp_path):
    samples = [cut(line, "update") for line in SAMPLES.read_bytes().splitlines()]
    (tmp_path / "posted").mkdir()
    async with gateway(tmp_path / "posted") as process:
        for sample in samples:
            assert await process.post(sample) == 200
        assert await process.stop() == 0
        posted = bodies_in(process.database)
    (tmp_path / "polled").mkdir()
    async with Scene(tmp_path / "polled") as scene:
        scene.give(*sorted(samples, key=lambda sample: json.loads(sample)["update_id"]))
        await scene.process.until(
            lambda: len(scene.stored()) == len(posted), what="the last of the samples"
        )
        assert await scene.process.stop() == 0
        assert sorted(scene.stored()) == sorted(posted) == sorted(set(samples))


async def test_the_door_is_closed_while_polling_without_a_secret(tmp_path):
    async with Scene(tmp_path) as scene:
        assert await scene.process.post(b'{"update_id":1,"message":{}}', secret=None) == 404
        assert "ANYBODY CAN POST" not in scene.process.log()


async def test_posts_that_prove_their_origin_are_taken_while_polling(tmp_path):
    async with Scene(tmp_path, TELEGRAM_SECRET_TOKEN=SECRET) as scene:
        assert await scene.process.post(b'{"update_id":1,"message":{}}') == 200
        assert await scene.process.post(b'{"update_id":1,"message":{}}', secret="x") == 403


async def test_a_stop_cuts_the_long_poll(tmp_path):
    async with Scene(tmp_path) as scene:
        await scene.process.until(lambda: scene.waiting.polls, what="a long poll")
        assert await scene.process.stop(deadline=5) == 0


async def test_two_replicas_on_postgresql_poll_once_and_hand_over(tmp_path):
    database = running()
    name = await database.database()
    async with FakeBotApi(TOKEN) as server, AsyncExitStack() as stack:
        waiting = server.bots[TOKEN].waiting
        replicas = []
        for number in range(2):
            (tmp_path / str(number)).mkdir()
            replica = Process(
                tmp_path / str(number),
                INGEST_MODE="polling",
                TELEGRAM_API_URL=server.url,
                QUEUE_BACKEND="postgres",
                DATABASE_URL=database.url(name),
            )
            await replica.start()
            replicas.append(replica)

            async def end(replica=replica):
                if replica.running:
                    await replica.kill()

            stack.push_async_callback(end)
        one, two = replicas
        await one.until(lambda: "On duty: polling/" in one.log(), what="the duty")
        await two.until(lambda: "has the duty polling/" in two.log(), what="standing by")
        await one.until(lambda: waiting.polls == 1, what="the only poll")
        assert await one.stop() == 0
        await two.until(lambda: "On duty: polling/" in two.log(), what="the handing over")
        waiting.add(7, b'{"update_id":7,"message":{"chat":{"id":1}}}')
        await two.until(lambda: waiting.confirmed == [7], what="the confirmation")
        assert await two.stop() == 0
    await database.drop(name)
