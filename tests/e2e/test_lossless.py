"""The promise, from outside: a real process, a simulated Telegram, real targets, and the ledger."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import pytest

from fakes.gateway import OUTBOUND, SECRET, Process
from hookgram.core.identity import host_name
from hookgram.demo.journal import Journal
from hookgram.demo.ledger import Books, Verdict, audit, read_store
from hookgram.demo.receiver import Receiver, Request, Response
from hookgram.demo.samples import updates
from hookgram.demo.sender import Sender

SLOTS = 40
SPEED = 50.0
"""How much faster than Telegram's the sender's clock runs: a wait of 64 s takes 1.3 s."""

PATIENT = {
    "MAX_RETRIES": "200",
    "BASE_RETRY_DELAY_SEC": "0.05",
    "BREAKER_FAILURES": "0",
    "RETENTION_HOURS": "24",
    "FORWARD_TIMEOUT_SEC": "2",
}


class Scene:
    """A sender, targets, and one gateway process after another between them."""

    def __init__(
        self, folder: Path, *names: str, command: list[str] | None = None, **settings: str
    ) -> None:
        self._stack = AsyncExitStack()
        self.folder = folder
        self.receivers = [
            Receiver(name, Journal(folder / f"{name}.jsonl"), secret=OUTBOUND) for name in names
        ]
        self._settings = {**PATIENT, **settings}
        self._command = command
        self.kills = 0

    async def __aenter__(self):
        for receiver in self.receivers:
            await self._stack.enter_async_context(receiver)
        urls = ",".join(receiver.url for receiver in self.receivers)
        self.process = Process(
            self.folder,
            command=self._command,
            TARGET_WEBHOOK_URLS=urls,
            **{"FANOUT_RETRY": "independent", **self._settings},
        )
        self._stack.push_async_callback(self._end)
        await self.process.start()
        self.journal = Journal(self.folder / "telegram.jsonl")
        self.sender = await self._stack.enter_async_context(
            Sender(self.process.url, self.journal, secret=SECRET, speed=SPEED)
        )
        return self

    async def _end(self) -> None:
        if self.process.running:
            await self.process.kill()

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        for journal in (self.journal, *(receiver.journal for receiver in self.receivers)):
            journal.close()

    async def kill(self) -> None:
        await self.process.kill()
        self.kills += 1
        await self.process.start()

    async def settled(self, deadline: float = 60.0) -> None:
        """Wait until nothing is owed any more."""

        async def nothing_queued() -> bool:
            return (await self.process.get("/stats"))[1].get("queued") == 0

        await self.process.until(nothing_queued, deadline=deadline, what="the end of all work")

    def books(self) -> Books:
        """Read the books; targets are named by their URLs' hashes in the store."""
        rows, counters = read_store(self.process.database)
        received = {host_name(r.url): r.journal.entries for r in self.receivers}
        return Books(sent=self.journal.entries, received=received, rows=rows, counters=counters)

    def audit(self, **how: object) -> Verdict:
        how.setdefault("duplicates_allowed", self.kills * SLOTS)
        return audit(self.books(), **how)


async def test_twenty_kills_at_random_moments_lose_nothing(tmp_path):
    chance = random.Random(7)
    async with Scene(tmp_path, "one", "two") as scene:
        stream = updates(chats=60)
        for _ in range(20):
            for body in islice(stream, 60):
                scene.sender.post(body)
            enough = len(scene.receivers[0].journal.entries) + chance.randrange(10, 60)
            await scene.receivers[0].until(
                lambda enough=enough: len(scene.receivers[0].journal.entries) >= enough, 30
            )
            await scene.kill()
        await scene.sender.drained(60)
        await scene.settled()
        assert await scene.process.stop() == 0
        verdict = scene.audit()
    assert verdict.ok, str(verdict)
    # Queries live for seconds only: some expire at Telegram while the gateway is dead.
    gone = sum(entry["what"] == "gave_up" for entry in scene.journal.entries)
    assert verdict.acknowledged + gone == 1200
    assert verdict.acknowledged > 1000


async def test_a_run_without_faults_has_no_duplicate(tmp_path):
    async with Scene(tmp_path, "one") as scene:
        for body in islice(updates(chats=20), 500):
            scene.sender.post(body)
        await scene.sender.drained(60)
        await scene.settled()
        assert await scene.process.stop() == 0
        verdict = scene.audit(duplicates_allowed=0)
    assert verdict.ok, str(verdict)
    assert (verdict.acknowledged, verdict.delivered, verdict.dead) == (500, 500, 0)


async def test_repeated_reordered_and_concurrent_updates_are_stored_once(tmp_path):
    async with Scene(tmp_path, "one") as scene:
        bodies = list(islice(updates(chats=30), 200))
        random.Random(3).shuffle(bodies)
        answers = await asyncio.gather(
            *(scene.process.post(body) for body in bodies for _ in range(3))
        )
        assert set(answers) == {200}
        await scene.settled()
        assert await scene.process.stop() == 0
        rows = scene.books().rows
        taken = [entry["id"] for entry in scene.receivers[0].journal.entries]
    assert len(rows) == 200
    assert len(taken) == len(set(taken)) == 200


async def test_a_target_that_is_down_for_a_while_gets_everything_in_order(tmp_path):
    async with Scene(tmp_path, "one", "two") as scene:
        stream = updates(chats=20)
        down, up = scene.receivers
        for body in islice(stream, 100):
            scene.sender.post(body)
        await down.until(lambda: down.count >= 50, 30)
        await down.shut()
        for body in islice(stream, 100):
            scene.sender.post(body)
        await scene.sender.drained(60)
        await up.until(lambda: up.count >= 200, 60)
        await down.open()
        await scene.settled()
        assert await scene.process.stop() == 0
        verdict = scene.audit(duplicates_allowed=SLOTS)
    assert verdict.ok, str(verdict)


async def test_a_dead_target_costs_the_healthy_one_nothing_and_keeps_its_work(tmp_path):
    async with Scene(tmp_path, "dead", "healthy") as scene:
        dead, healthy = scene.receivers
        await dead.shut()
        for body in islice(updates(chats=30), 300):
            scene.sender.post(body)
        await scene.sender.drained(60)
        await healthy.until(lambda: healthy.count >= 300, 60)

        async def only_the_work_of_the_dead_one_waits() -> bool:
            stats = (await scene.process.get("/stats"))[1]
            return (stats["queued"], stats["dead"]) == (300, 0)

        await scene.process.until(only_the_work_of_the_dead_one_waits, what="the other's end")
        await dead.open()
        await scene.settled()
        assert await scene.process.stop() == 0
        verdict = scene.audit(duplicates_allowed=0)
    assert verdict.ok, str(verdict)


async def test_a_stop_during_delivery_finishes_what_is_in_the_air(tmp_path):
    async with Scene(tmp_path, "one") as scene:
        [slow] = scene.receivers
        slow.behaviour = lambda _: Response(delay=0.5)
        for body in islice(updates(chats=200), 200):
            scene.sender.post(body)
        await slow.until(lambda: slow.count >= 20, 30)
        assert await scene.process.stop() == 0
        assert ", 0 interrupted" in scene.process.log()
        await scene.process.start()
        slow.behaviour = lambda _: Response()
        await scene.sender.drained(60)
        await scene.settled()
        assert await scene.process.stop() == 0
        verdict = scene.audit(duplicates_allowed=0)
    assert verdict.ok, str(verdict)


async def test_a_second_signal_ends_it_at_once_and_nothing_is_lost(tmp_path):
    async with Scene(tmp_path, "one") as scene:
        [hanging] = scene.receivers
        hanging.behaviour = lambda _: Response(delay=60)
        for body in islice(updates(chats=50), 50):
            scene.sender.post(body)
        await hanging.until(lambda: hanging.count >= 10, 30)
        process = scene.process
        assert process._process is not None
        process._process.send_signal(signal.SIGINT)
        await process.until(lambda: "WORKER STOPPING" in process.log(), what="the stop")
        process._process.send_signal(signal.SIGINT)
        assert await process.ended(deadline=1.9) == 0
        hanging.behaviour = lambda _: Response()
        await process.start()
        await scene.sender.drained(60)
        await scene.settled()
        assert await process.stop() == 0
        verdict = scene.audit(duplicates_allowed=SLOTS)
    assert verdict.ok, str(verdict)


async def test_what_was_in_the_air_at_a_kill_is_tried_again_at_once(tmp_path):
    async with Scene(tmp_path, "one", FORWARD_TIMEOUT_SEC="300") as scene:
        [hanging] = scene.receivers
        hanging.behaviour = lambda _: Response(delay=300)
        scene.sender.post(next(updates(chats=1)))
        await hanging.until(lambda: hanging.count >= 1, 30)
        hanging.behaviour = lambda _: Response()
        await scene.kill()  # its lease has five minutes left
        await scene.settled(deadline=15)
        await scene.sender.drained(30)
        assert await scene.process.stop() == 0
        verdict = scene.audit()
    assert verdict.ok, str(verdict)


async def test_a_group_is_retried_together_and_each_member_gets_everything(tmp_path):
    async with Scene(tmp_path, "one", "two", FANOUT_RETRY="together") as scene:
        flaky = scene.receivers[1]
        chance = random.Random(5)
        flaky.behaviour = lambda _: Response(status=500 if chance.random() < 0.2 else 200)
        for body in islice(updates(chats=20), 100):
            scene.sender.post(body)
        await scene.sender.drained(60)
        await scene.settled()
        assert await scene.process.stop() == 0
        rows = scene.books().rows
    assert {(row.target, row.state) for row in rows} == {("targets", 3)}
    for receiver in scene.receivers:
        taken = {e["update_id"] for e in receiver.journal.entries if e["status"] == 200}
        assert len(taken) == 100


BROKEN = Path(__file__).parents[1] / "fakes" / "broken.py"


def broken(fault: str) -> list[str]:
    return [sys.executable, "-P", str(BROKEN), fault, "serve"]


async def test_the_ledger_notices_a_reply_before_the_commit(tmp_path):
    async with Scene(tmp_path, "one", command=broken("reply_before_commit")) as scene:
        for body in islice(updates(chats=40), 200):
            scene.sender.post(body)
        await scene.sender.drained(30)
        await scene.kill()
        await scene.settled()
        await scene.process.stop()
        verdict = scene.audit()
    assert verdict.problems["lost"], str(verdict)


async def test_the_ledger_notices_a_promotion_that_is_skipped(tmp_path):
    async with Scene(tmp_path, "one", command=broken("promote_nothing")) as scene:
        [receiver] = scene.receivers
        receiver.behaviour = lambda _: Response(delay=0.3)
        for body in islice(updates(chats=2), 60):
            scene.sender.post(body)
        await scene.sender.drained(30)
        await receiver.until(lambda: receiver.count >= 2, 30)
        await scene.process.stop()
        verdict = scene.audit()
    assert verdict.problems["unsettled"], str(verdict)
    assert verdict.problems["lost"], str(verdict)


def holding_first(request: Request) -> Response:
    """Let the first attempt wait until it is cut, and answer the others at once."""
    return Response(delay=60.0 if request.headers["x-gateway-attempt"] == "1" else 0.0)


@pytest.mark.parametrize("fault", ["short_leases", "settle_without_token"])
async def test_the_ledger_notices_a_settlement_without_its_token(tmp_path, fault):
    """Leases end while attempts are in the air: harmless with tokens, not without."""
    slow = {"command": broken(fault), "FORWARD_TIMEOUT_SEC": "30"}
    async with Scene(tmp_path, "one", **slow) as scene:
        [receiver] = scene.receivers
        receiver.behaviour = holding_first
        for body in islice(updates(chats=20), 20):
            scene.sender.post(body)
        await scene.sender.drained(30)
        await scene.settled()
        await receiver.shut()
        await receiver.open()
        late = "Lost the lease" if fault == "short_leases" else "Retry 1"
        await scene.process.until(lambda: late in scene.process.log(), what="a late answer")
        await scene.settled()
        await scene.process.stop()
        verdict = scene.audit(duplicates_allowed=0)
    assert verdict.ok is (fault == "short_leases"), str(verdict)
