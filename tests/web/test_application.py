"""What stands behind the ingest route: health, stats, problems, the API's description."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from fakes.http import Answer, request, serving
from fakes.inbox import Facts, RecordingInbox
from hookgram import __version__
from hookgram.core.access import Access
from hookgram.core.facts import TaskFailed
from hookgram.errors import StoreBroken, StoreUnavailable
from hookgram.store.sqlite import SqliteStore
from hookgram.usecases.intake import Intake, Limits
from hookgram.web import health
from hookgram.web.door import Door
from hookgram.web.exchange import Asgi
from hookgram.web.server import create_app
from web.posting import BOT, NOW, PATH, SECRET, TOKEN, post, update


class Counts:
    """A journal that knows numbers only."""

    def __init__(self, counts: dict[tuple[str, str], int] | None = None) -> None:
        self.found = counts or {}
        self.trouble: Exception | None = None
        self.hangs = False

    async def counts(self) -> dict[tuple[str, str], int]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble
        return self.found


def application(
    journal: Any = None,
    *,
    inbox: Any = None,
    facts: Facts | None = None,
    not_ready: Callable[[], list[str]] = list,
    secret: str | None = SECRET,
    public_mode: bool = False,
) -> Asgi:
    notice = facts or Facts()
    intake = Intake(
        inbox=inbox or RecordingInbox(),
        access=Access(public=True),
        limits=Limits(0, 0),
        clock=lambda: NOW,
        entropy=os.urandom,
        notice=notice,
        wake=lambda ids: None,
    )
    return create_app(
        doors={PATH: Door(bot=BOT, secret=secret)},
        intake=intake,
        journal=journal or Counts(),
        not_ready=not_ready,
        public_mode=public_mode,
        max_body=513 * 1024,
        notice=notice,
    )


def is_problem(answer: Answer, status: int, code: str) -> bool:
    found = answer.json
    return (
        answer.status == found["status"] == status
        and answer.headers["content-type"] == "application/problem+json"
        and found["code"] == code
        and found["type"] == "about:blank"
        and bool(found["title"])
        and bool(found["detail"])
    )


async def test_the_root_says_what_this_is() -> None:
    async with serving(application()) as gateway:
        answer = await gateway.get("/")
    assert answer.status == 200
    assert answer.json == {
        "status": "ok",
        "service": "telegram-webhook-gateway",
        "public_mode": False,
    }


async def test_public_mode_shows() -> None:
    async with serving(application(public_mode=True)) as gateway:
        assert (await gateway.get("/")).json["public_mode"] is True


async def test_it_is_alive_whatever_the_store_does() -> None:
    journal = Counts()
    journal.trouble = StoreBroken("gone")
    async with serving(application(journal, not_ready=lambda: ["the store"])) as gateway:
        answer = await gateway.get("/health")
    assert (answer.status, answer.json) == (200, {"status": "healthy"})


@pytest.mark.parametrize("path", ["/", "/health", "/health/ready"])
async def test_it_can_be_asked_for_heads_only(path: str) -> None:
    async with serving(application()) as gateway:
        answer = await gateway.request("HEAD", path)
    assert answer.status == 200


async def test_it_is_ready_until_there_is_a_reason_why_not() -> None:
    reasons: list[str] = []
    async with serving(application(not_ready=lambda: reasons)) as gateway:
        answer = await gateway.get("/health/ready")
        assert (answer.status, answer.json) == (200, {"status": "ready"})
        reasons.append("it is stopping")
        answer = await gateway.get("/health/ready")
    assert answer.status == 503
    assert answer.json == {"status": "not ready", "reasons": ["it is stopping"]}


async def test_stats_add_up_the_kept_counters() -> None:
    journal = Counts(
        {
            ("", "accepted"): 100,
            ("", "refused.not_authorized"): 3,
            ("", "duplicate"): 9,
            ("a", "created"): 60,
            ("a", "delivered"): 40,
            ("a", "dead"): 10,
            ("a", "purged"): 4,
            ("b", "created"): 40,
            ("b", "cancelled"): 5,
        }
    )
    async with serving(application(journal)) as gateway:
        found = (await gateway.get("/stats")).json
    assert found["queued"] == 60 + 40 - 40 - 10 - 5
    assert found["dead"] == 6
    assert found["refused"] == 3
    assert found["uptime_sec"] >= 0
    assert all(isinstance(number, int) for number in found.values())


async def test_stats_of_a_new_gateway_are_noughts() -> None:
    async with serving(application()) as gateway:
        found = (await gateway.get("/stats")).json
    assert set(found.values()) == {0}
    assert {"queued", "uptime_sec", "dead", "refused"} <= set(found)


async def test_stats_follow_the_store(store: SqliteStore) -> None:
    async with serving(application(store, inbox=store)) as gateway:
        await post(gateway, update(1))
        assert (await gateway.get("/stats")).json["accepted"] == 1


async def test_a_path_that_is_not_there_is_a_problem() -> None:
    async with serving(application()) as gateway:
        for path in ("/nowhere", "/health/", f"{PATH}/unknown"):
            assert is_problem(await gateway.get(path), 404, "not_found")


async def test_a_method_that_is_not_there_is_a_problem_that_names_the_others() -> None:
    async with serving(application()) as gateway:
        answer = await gateway.request("POST", "/stats")
    assert is_problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("trouble", [StoreUnavailable("disk is full"), StoreBroken("I/O error")])
async def test_a_store_that_fails_is_a_problem(trouble: Exception) -> None:
    journal = Counts()
    journal.trouble = trouble
    async with serving(application(journal)) as gateway:
        assert is_problem(await gateway.get("/stats"), 503, "store_unavailable")


async def test_a_store_that_does_not_answer_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "COUNTS_DEADLINE", 0.05)
    journal = Counts()
    journal.hangs = True
    async with serving(application(journal)) as gateway:
        assert is_problem(await gateway.get("/stats"), 503, "timeout")


async def test_a_bug_is_a_problem_without_its_details_and_is_told() -> None:
    journal, facts = Counts(), Facts()
    journal.trouble = ZeroDivisionError("secret detail")
    async with serving(application(journal, facts=facts)) as gateway:
        answer = await gateway.get("/stats")
        assert is_problem(answer, 500, "internal_error")
        assert b"secret detail" not in answer.body
        assert (await gateway.get("/health")).status == 200
    [fact] = facts.of(TaskFailed)
    assert fact.where == "GET /stats"
    assert "secret detail" in fact.error


async def test_the_description_names_every_route() -> None:
    async with serving(application()) as gateway:
        found = (await gateway.get("/openapi.json")).json
        page = await gateway.get("/docs")
    assert found["info"]["version"] == __version__
    assert {"/", "/health", "/health/ready", "/stats", PATH} <= set(found["paths"])
    assert set(found["paths"]["/"]) == {"get"}
    ingest = found["paths"][PATH]["post"]
    assert {"200", "403", "408", "413", "503"} == set(ingest["responses"])
    assert SECRET not in str(found)
    assert page.status == 200


async def test_the_description_says_what_holds_without_a_secret() -> None:
    async with serving(application(secret=None)) as gateway:
        found = (await gateway.get("/openapi.json")).json
    assert {"200", "400", "408", "413", "503"} == set(found["paths"][PATH]["post"]["responses"])


async def test_updates_and_pages_share_connections() -> None:
    inbox = RecordingInbox()
    async with serving(application(inbox=inbox)) as gateway, gateway.wire() as wire:
        for number in range(3):
            await wire.send(request("POST", PATH, update(number), [TOKEN]))
            assert (await wire.answer()).status == 200
            await wire.send(request("GET", "/health"))
            assert (await wire.answer()).json == {"status": "healthy"}
    assert len(inbox.arrivals) == 3
