"""Our own trouble: the store fails, the commit is slow, the client goes away, there is a bug."""

from __future__ import annotations

import asyncio

import pytest

from fakes.http import request, serving
from fakes.inbox import Facts, RecordingInbox
from hookgram.core.facts import DuplicateSeen, EventAccepted, IngestRejected, TaskFailed
from hookgram.errors import StoreBroken, StoreUnavailable
from hookgram.store.sqlite import SqliteStore
from web.posting import PATH, TOKEN, Build, post, update

pytestmark = pytest.mark.usefixtures("way")


@pytest.mark.parametrize("trouble", [StoreUnavailable("disk full"), StoreBroken("I/O error")])
async def test_while_the_store_fails_telegram_is_asked_to_come_again(
    build: Build, inbox: RecordingInbox, facts: Facts, trouble: Exception
) -> None:
    inbox.trouble = trouble
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, update(1), [TOKEN]))
        answer = await wire.answer()
        assert answer.status == 503
        assert "retry-after" not in answer.headers
        assert "connection" not in answer.headers
        inbox.trouble = None
        await wire.send(request("POST", PATH, update(1), [TOKEN]))
        assert (await wire.answer()).status == 200
    assert inbox.bodies == [update(1)]
    assert [(fact.bot, fact.status) for fact in facts.of(IngestRejected)] == [("default", 503)]
    assert facts.of(TaskFailed) == []


async def test_a_closed_store_is_asked_to_come_again_too(build: Build, store: SqliteStore) -> None:
    await store.close()
    async with serving(build(store)) as gateway:
        assert (await post(gateway, update(1))).status == 503


async def test_a_commit_that_takes_too_long_goes_on_and_the_retry_is_a_duplicate(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    inbox.gate.clear()
    async with serving(build(inbox, commit_deadline=0.05)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, update(1), [TOKEN]))
        answer = await wire.answer()
        assert answer.status == 503
        assert "retry-after" not in answer.headers
        inbox.gate.set()
        await facts.until(EventAccepted)
        await wire.send(request("POST", PATH, update(1), [TOKEN]))
        assert (await wire.answer()).status == 200
    assert inbox.bodies == [update(1)]
    assert len(facts.of(DuplicateSeen)) == 1


@pytest.mark.parametrize("trouble", [StoreUnavailable("disk full"), MemoryError()])
async def test_a_late_commit_that_fails_is_told_unless_the_store_tells_itself(
    build: Build, inbox: RecordingInbox, facts: Facts, trouble: Exception
) -> None:
    inbox.gate.clear()
    inbox.trouble = trouble
    async with serving(build(inbox, commit_deadline=0.05)) as gateway:
        assert (await post(gateway, update(1))).status == 503
        inbox.gate.set()
        if isinstance(trouble, MemoryError):
            assert "MemoryError" in (await facts.until(TaskFailed))[0].error
        inbox.trouble = None
        assert (await post(gateway, update(1))).status == 200
    assert len(facts.of(TaskFailed)) == isinstance(trouble, MemoryError)


async def test_a_bug_is_told_and_never_a_500(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    inbox.trouble = ZeroDivisionError("a bug")
    async with serving(build(inbox)) as gateway:
        answer = await post(gateway, update(1))
        assert answer.status == 503
        assert "bug" not in answer.body.decode()
        inbox.trouble = None
        assert (await post(gateway, update(1))).status == 200
    [fact] = facts.of(TaskFailed)
    assert fact.where == "ingest"
    assert "a bug" in fact.error


async def test_who_goes_away_in_the_middle_of_a_body_leaves_nothing(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    whole = request("POST", PATH, update(1), [TOKEN])
    app = build(inbox)
    async with serving(app) as gateway:
        for cut in (len(whole) - 1, len(whole) - len(update(1)), len(whole) - 20):
            async with gateway.wire() as wire:
                await wire.send(whole[:cut])
        assert (await post(gateway, update(2))).status == 200
    assert inbox.bodies == [update(2)]
    assert facts.of(IngestRejected) == []
    assert app._bodies.waiting == 0


async def test_who_goes_away_after_the_body_leaves_it_with_us(
    build: Build, inbox: RecordingInbox, facts: Facts
) -> None:
    inbox.gate.clear()
    async with serving(build(inbox)) as gateway:
        async with gateway.wire() as wire:
            await wire.send(request("POST", PATH, update(1), [TOKEN]))
            await inbox.reached.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        inbox.gate.set()
        await facts.until(EventAccepted)
        assert (await post(gateway, update(1))).status == 200
    assert inbox.bodies == [update(1)]


async def test_a_commit_under_way_when_the_server_stops_is_still_answered(
    build: Build, inbox: RecordingInbox
) -> None:
    inbox.gate.clear()
    async with serving(build(inbox)) as gateway, gateway.wire() as wire:
        await wire.send(request("POST", PATH, update(1), [TOKEN]))
        await inbox.reached.wait()
        assert gateway.server is not None
        gateway.server.over.set()
        for _ in range(20):
            await asyncio.sleep(0)
        inbox.gate.set()
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert inbox.bodies == [update(1)]
