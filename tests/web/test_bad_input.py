"""With the right secret every body is committed and answered 200, whatever it holds."""

from __future__ import annotations

import pytest

from fakes.http import serving, together
from fakes.inbox import Facts
from hookgram.core.definition import Definition, Origin, Target
from hookgram.core.facts import EventAccepted, IngestRejected, TaskFailed
from hookgram.core.model import State
from hookgram.core.retry import RetryPolicy
from hookgram.store.sqlite import SqliteStore
from web.posting import TOKEN, Build, post, update

DEEP = 100_000

UNREADABLE: dict[str, bytes] = {
    "no body": b"",
    "white space": b" \r\n\t",
    "truncated": update(1)[:-5],
    "something after it": update(1) + b"x",
    "two of them": update(1) + update(2),
    "no object": b"[" + update(1) + b"]",
    "a string": b'"hello"',
    "null": b"null",
    "nested arrays": b'{"update_id":1,"message":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "nested objects": b'{"update_id":1,"message":' + b'{"":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "open brackets": b"[" * DEEP,
    "NaN": b'{"update_id":1,"message":{"x":NaN}}',
    "Infinity": b'{"update_id":1,"message":{"x":-Infinity}}',
    "a BOM": b"\xef\xbb\xbf" + update(1),
    "UTF-16": update(1).decode().encode("utf-16"),
    "no update_id": b'{"message":{"chat":{"id":7}}}',
    "update_id a string": b'{"update_id":"1","message":{"chat":{"id":7}}}',
    "update_id a float": b'{"update_id":1.5,"message":{"chat":{"id":7}}}',
    "update_id null": b'{"update_id":null,"message":{"chat":{"id":7}}}',
    "update_id true": b'{"update_id":true,"message":{"chat":{"id":7}}}',
    "nothing but an update_id": b'{"update_id":1}',
    "an empty object": b"{}",
    "a form": b"update_id=1&message=hello",
    "binary": bytes(range(256)) * 10,
    "NUL": b"\0" * 1000,
    "packed": b"\x1f\x8b\x08\x00" + b"\0" * 100,
}

READABLE: dict[str, bytes] = {
    "a 30-digit update_id": b'{"update_id":%s,"message":{"chat":{"id":7}}}' % (b"1" * 30),
    "a 5,000-digit update_id": b'{"update_id":%s,"message":{"chat":{"id":7}}}' % (b"2" * 5000),
    "a 30-digit chat": b'{"update_id":1,"message":{"chat":{"id":%s}}}' % (b"3" * 30),
    "a 5,000-digit chat": b'{"update_id":2,"message":{"chat":{"id":%s}}}' % (b"4" * 5000),
    "a negative update_id": b'{"update_id":-5,"message":{"chat":{"id":7}}}',
    "1e999": b'{"update_id":3,"message":{"x":1e999}}',
    "a lone surrogate": b'{"update_id":4,"message":{"chat":{"id":7},"text":"\\ud800"}}',
    "a lone surrogate as kind": b'{"update_id":5,"\\udfff":{"chat":{"id":7}}}',
    "NUL in a string": b'{"update_id":6,"message":{"chat":{"id":7},"text":"a\\u0000b"}}',
    "invalid UTF-8 in a string": b'{"update_id":7,"callback_query":{"id":"1","data":"\xff\xc3("}}',
    "an unknown kind": b'{"update_id":8,"telepathy":{"chat":{"id":7}}}',
    "an unknown kind of no object": b'{"update_id":9,"telepathy":17}',
    "a very long kind": b'{"update_id":10,"%s":{}}' % (b"k" * 100_000),
    "a message that is a list": b'{"update_id":11,"message":[1,2,3]}',
    "a message that is null": b'{"update_id":12,"message":null}',
    "a chat that is a string": b'{"update_id":13,"message":{"chat":"7","from":{"id":"8"}}}',
    "a key twice": b'{"update_id":14,"message":{"chat":{"id":7},"chat":{"id":8}}}',
    "a date of no time": b'{"update_id":15,"message":{"date":99999999999999999999}}',
    "a date before time": b'{"update_id":16,"message":{"date":-1,"chat":{"id":7}}}',
    "a kind called unparsed": b'{"update_id":17,"unparsed":{}}',
}


@pytest.fixture
async def targets(store: SqliteStore) -> list[Target]:
    return await store.register([definition("shop"), definition("audit")])


def definition(name: str) -> Definition:
    return Definition(
        name=name,
        urls=(f"http://127.0.0.1:9/{name}",),
        origin=Origin.ENV,
        retry=RetryPolicy(waits=(), max_age=1),
    )


@pytest.mark.parametrize("body", [*UNREADABLE.values()], ids=[*UNREADABLE])
async def test_an_unreadable_body_is_kept_as_a_dead_letter_of_every_target(
    build: Build, store: SqliteStore, targets: list[Target], facts: Facts, body: bytes
) -> None:
    async with serving(build(store, targets=targets)) as gateway:
        answer = await post(gateway, body)
    assert (answer.status, answer.body) == (200, b'{"ok":true}')
    rows = await store.deliveries()
    assert {row.target for row in rows} == {"shop", "audit"}
    assert {(row.state, row.reason, row.attempts) for row in rows} == {(State.DEAD, "unparsed", 0)}
    assert (await store.event(rows[0].event_id)).body == body
    assert facts.of(IngestRejected) == []


@pytest.mark.parametrize("body", [*READABLE.values()], ids=[*READABLE])
async def test_an_odd_update_is_kept_and_owed_to_every_target(
    build: Build, store: SqliteStore, targets: list[Target], facts: Facts, body: bytes
) -> None:
    async with serving(build(store, targets=targets)) as gateway:
        answer = await post(gateway, body)
        again = await post(gateway, body)
    assert (answer.status, again.status) == (200, 200)
    rows = await store.deliveries()
    assert [row.state for row in rows] == [State.PENDING, State.PENDING]
    assert (await store.event(rows[0].event_id)).body == body
    assert facts.of(IngestRejected) == []


async def test_no_odd_body_harms_its_neighbours_in_the_same_commit(
    build: Build, store: SqliteStore, targets: list[Target], facts: Facts
) -> None:
    odd = [*UNREADABLE.values(), *READABLE.values()]
    good = [update(1000 + number) for number in range(len(odd))]
    async with serving(build(store, targets=targets)) as gateway:
        answers = await together(
            *(post(gateway, body, TOKEN) for pair in zip(odd, good, strict=True) for body in pair)
        )
    assert {answer.status for answer in answers} == {200}
    counts = await store.counts()
    assert counts["", "accepted"] == len(odd) + len(good)
    assert len(facts.of(EventAccepted)) == len(odd) + len(good)
    assert counts["shop", "dead"] == len(UNREADABLE)
    assert counts["shop", "created"] == len(odd) + len(good)
    assert facts.of(TaskFailed) == []
