"""What an operator does to a running gateway, with nothing but the store's file and commands."""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path

import pytest

from demo.wire import OK, Wire, answer
from fakes.command import command
from fakes.gateway import Process, gateway
from hookgram.store.sqlite import open_sqlite
from store.makers import HandClock, accept, arrival, owed, register

QUICK = {"MAX_RETRIES": "1", "BASE_RETRY_DELAY_SEC": "0.01", "BREAKER_FAILURES": "0"}


def update(number: int, chat: int = 7) -> bytes:
    message = {"message_id": number, "date": 1, "chat": {"id": chat, "type": "private"}}
    return json.dumps(
        {"update_id": number, "message": message | {"text": f"no. {number}"}}
    ).encode()


def orders(process: Process):
    """Commands that know where the store is, and nothing else: no token, no target."""
    return partial(command, process.folder, SQLITE_PATH=str(process.database))


async def until_dead(process: Process, count: int) -> None:
    async def dead() -> bool:
        return (await process.get("/stats"))[1].get("dead") == count

    await process.until(dead, what=f"{count} dead letters")


async def post_all(process: Process, numbers: range, *, chats: int = 1) -> None:
    for number in numbers:
        assert await process.post(update(number, number % chats)) == 200


async def settled(process: Process) -> bool:
    return (await process.get("/stats"))[1].get("queued") == 0


async def test_a_dead_letter_is_found_shown_replayed_and_delivered_by_commands_alone(tmp_path):
    async with (
        Wire(lambda _: answer(500, "X-Why: broken")) as shop,
        gateway(tmp_path, TARGET_WEBHOOK_URL=shop.url, **QUICK) as process,
    ):
        hookgram = orders(process)
        assert await process.post(update(1)) == 200
        await until_dead(process, 1)

        [letter] = (await hookgram("dead", "list", "--json")).document["dead"]
        assert (letter["reason"], letter["attempts"]) == ("http_500", 2)
        number = str(letter["delivery_id"])

        shown = (await hookgram("dead", "show", number, "--json")).document
        assert [one["status"] for one in shown["attempts"]] == [500, 500]
        assert shown["event"]["body"] == json.loads(update(1))
        assert "attempt 2" in (await hookgram("dead", "show", number)).out

        shop.script = lambda _: OK
        replayed = await hookgram("dead", "replay", number)
        assert (replayed.code, replayed.out) == (0, "Replayed: 1 dead letter.\n")
        await shop.until(lambda: len(shop.requests) == 3)
        assert f"x-gateway-replay: {number}\r\n".encode() in shop.requests[2].lower()
        assert letter["event_id"].encode() in shop.requests[2]

        await process.until(partial(settled, process), what="the replay's end")
        event = (await hookgram("events", "show", letter["event_id"], "--json")).document
        assert [d["state"] for d in event["deliveries"]] == ["dead", "delivered"]
        assert event["deliveries"][0]["replayed_as"] == event["deliveries"][1]["delivery_id"]

        purged = await hookgram("dead", "purge", "--replayed", "--yes", "--json")
        assert purged.document["purged"] == 1
        assert (await hookgram("dead", "list", "--json")).document["dead"] == []
        [target] = (await hookgram("targets", "list", "--json")).document["targets"]
        counted = ("created", "delivered", "dead", "purged", "unsettled", "dead_kept")
        assert [target[name] for name in counted] == [2, 1, 1, 1, 0, 0]
        assert await process.stop() == 0


async def test_many_are_replayed_in_their_old_order_after_a_count(tmp_path):
    async with (
        Wire(lambda _: answer(410)) as shop,
        gateway(tmp_path, TARGET_WEBHOOK_URL=shop.url, **QUICK) as process,
    ):
        hookgram = orders(process)
        await post_all(process, range(1, 41), chats=4)
        await until_dead(process, 40)
        shop.script = lambda _: OK
        counted = await hookgram("dead", "replay", "--reason", "gone", "--dry-run")
        assert (
            counted.out == "Would replay 40 dead letters of target target; nothing was changed.\n"
        )
        assert len(shop.requests) == 40
        assert (await hookgram("dead", "replay", "--all")).code == 2  # nobody can answer
        done = await hookgram("dead", "replay", "--all", "--yes", "--json")
        assert (done.document["matched"], done.document["replayed"]) == (40, 40)
        await shop.until(lambda: len(shop.requests) == 80)
        again = await hookgram("dead", "replay", "--all", "--yes", "--json")
        assert again.document["matched"] == 0
        for chat in range(4):
            numbers = [number for number, of in map(read, shop.requests[40:]) if of == chat]
            assert numbers == sorted(numbers)
        assert await process.stop() == 0


def read(request: bytes) -> tuple[int, int]:
    told = json.loads(request.partition(b"\r\n\r\n")[2])
    return told["update_id"], told["chat_id"]


async def test_events_are_replayed_by_name_and_by_filter(tmp_path):
    async with Wire() as shop, gateway(tmp_path, TARGET_WEBHOOK_URL=shop.url) as process:
        hookgram = orders(process)
        await post_all(process, range(1, 6), chats=2)
        await process.until(partial(settled, process), what="the deliveries")
        listed = (await hookgram("events", "list", "--chat", "1", "--json")).document
        assert [row["update_id"] for row in listed["events"]] == [5, 3, 1]
        first = str(listed["events"][-1]["seq"])
        assert (await hookgram("events", "replay", first, first)).code == 0
        await shop.until(lambda: len(shop.requests) == 6)
        assert read(shop.requests[5]) == (1, 1)
        await process.until(partial(settled, process), what="the replay's end")
        wanted = ("--since", "1h", "--state", "delivered", "--chat", "0")
        done = await hookgram("events", "replay", *wanted, "--yes", "--json")
        assert done.document["replayed"] == 2
        await shop.until(lambda: len(shop.requests) == 8)
        raw = await hookgram("events", "show", first, "--raw")
        assert raw.out.encode() == update(1, 1)
        assert await process.stop() == 0


async def test_a_paused_target_waits_and_goes_on_while_the_gateway_runs(tmp_path):
    async with Wire() as shop, gateway(tmp_path, TARGET_WEBHOOK_URL=shop.url) as process:
        hookgram = orders(process)
        assert (await hookgram("targets", "pause", "target")).code == 0
        assert await process.post(update(1)) == 200
        [target] = (await hookgram("targets", "list", "--json")).document["targets"]
        assert (target["state"], target["unsettled"]) == ("paused", 1)
        assert shop.requests == []
        assert (await hookgram("targets", "resume", "target")).code == 0
        await shop.until(lambda: len(shop.requests) == 1)
        assert await process.stop() == 0


async def test_a_target_that_left_the_configuration_is_removed_while_the_gateway_runs(tmp_path):
    async with Wire(lambda _: answer(500)) as old, Wire() as new:
        first = {"TARGET_WEBHOOK_URLS": f"{old.url},{new.url}", "FANOUT_RETRY": "independent"}
        async with gateway(tmp_path, BASE_RETRY_DELAY_SEC="60", **first) as process:
            hookgram = orders(process)
            await post_all(process, range(1, 31), chats=30)
            rows = (await hookgram("targets", "list", "--json")).document["targets"]
            name = rows[0]["name"]
            refused = await hookgram("targets", "remove", name, "--yes")
            assert refused.code == 1
            assert "still configured" in refused.err
            assert await process.stop() == 0
        then = {"TARGET_WEBHOOK_URL": new.url}
        async with gateway(tmp_path, **then) as process:
            hookgram = orders(process)
            rows = (await hookgram("targets", "list", "--json")).document["targets"]
            assert {row["name"]: row["state"] for row in rows}[name] == "orphaned"
            asked = await hookgram("targets", "remove", name, "--dry-run")
            assert f"target {name} and cancel 30 unsettled deliveries" in asked.out
            gone = (await hookgram("targets", "remove", name, "--yes", "--json")).document
            assert (gone["unsettled"], gone["cancelled"]) == (30, 30)
            left = (await hookgram("targets", "list", "--json")).document["targets"]
            assert name not in [row["name"] for row in left]
            assert await process.post(update(99)) == 200
            await new.until(lambda: any(read(one)[0] == 99 for one in new.requests))
            assert await process.stop() == 0


async def test_a_configured_target_removed_anyway_comes_back_with_no_work(tmp_path):
    async with Wire(lambda _: answer(500)) as shop:
        settings = {"TARGET_WEBHOOK_URL": shop.url, "BASE_RETRY_DELAY_SEC": "60"}
        async with gateway(tmp_path, **settings) as process:
            hookgram = orders(process)
            await post_all(process, range(1, 4))
            await shop.until(lambda: len(shop.requests) == 1)
            gone = await hookgram("targets", "remove", "target", "--anyway", "--yes")
            assert gone.code == 0
            assert "3 deliveries cancelled" in gone.out

            async def back() -> bool:
                rows = (await hookgram("targets", "list", "--json")).document["targets"]
                return [(row["name"], row["unsettled"]) for row in rows] == [("target", 0)]

            await process.until(back, what="the target made anew")
            shop.script = lambda _: OK
            assert await process.post(update(9)) == 200
            await shop.until(lambda: len(shop.requests) == 2)
            assert await process.stop() == 0


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
async def test_an_order_that_is_cut_says_how_far_it_came_and_goes_on_later(tmp_path, signal_name):
    path = await many_dead(tmp_path, 3_000)
    script = (
        "import asyncio, os, signal, sys\n"
        "from hookgram.cli import main, place\n"
        "async def breathe():\n"
        f"    os.kill(os.getpid(), signal.{signal_name})\n"
        "    await asyncio.sleep(0)\n"
        "place.breathe = breathe\n"
        "sys.argv = ['hookgram', 'dead', 'replay', '--all', '--yes']\n"
        "sys.exit(main.main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script),
        env={"SQLITE_PATH": str(path), "HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 1, err
    assert out == b""
    told = err.decode()
    assert "Stopped: 500 of 3,000 dead letters replayed, the rest is as it was." in told or (
        "Stopped: 1,000 of 3,000" in told
    )
    hookgram = partial(command, tmp_path, SQLITE_PATH=str(path))
    done = int(told.split("Stopped: ")[1].split(" of")[0].replace(",", ""))
    rest = await hookgram("dead", "replay", "--all", "--yes", "--json")
    assert rest.document["replayed"] == 3_000 - done
    [target] = (await hookgram("targets", "list", "--json")).document["targets"]
    assert (target["created"], target["unsettled"]) == (6_000, 3_000)


async def many_dead(folder: Path, count: int) -> Path:
    path = folder / "events.db"
    store = await open_sqlite(path, clock=HandClock())
    [shop] = await register(store, "shop")
    for _ in range(0, count, 500):
        await accept(store, *(arrival(owed(shop, dead="http_500")) for _ in range(500)))
    await store.close()
    return path
