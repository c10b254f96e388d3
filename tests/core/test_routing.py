from __future__ import annotations

from typing import Any

from hookgram.core.definition import Definition, Filter, Origin, Target
from hookgram.core.model import Owed, Priority
from hookgram.core.reading import Reading
from hookgram.core.retry import RetryPolicy
from hookgram.core.routing import RATE_LIMITED, route, takers_of

BOT = 123456
READING = Reading(
    update_id=1, kind="message", payload=b"{}", lane="chat/7", priority=Priority.NORMAL
)


def target(target_id: int, *, paused: bool = False, **definition: Any) -> Target:
    name = f"t{target_id}"
    return Target(
        target_id=target_id,
        name=name,
        origin=Origin.ENV,
        paused=paused,
        definition=Definition(
            name=name,
            urls=("http://127.0.0.1:9/",),
            origin=Origin.ENV,
            retry=RetryPolicy(waits=(), max_age=1),
            **definition,
        ),
    )


def orphan(target_id: int) -> Target:
    return Target(target_id=target_id, name=f"t{target_id}", origin=Origin.ENV)


def routed(
    reading: Reading | None, bot: int, targets: list[Target], **how: Any
) -> tuple[Owed, ...]:
    return route(reading, bot, takers_of(bot, targets), **how)


def test_each_target_is_owed_the_update_once() -> None:
    owed = routed(READING, BOT, [target(1), target(2)])
    assert owed == (
        Owed(target_id=1, lane="123456/chat/7"),
        Owed(target_id=2, lane="123456/chat/7"),
    )


def test_without_a_target_nothing_is_owed() -> None:
    assert routed(READING, BOT, []) == ()


def test_an_orphan_is_owed_nothing_new() -> None:
    assert routed(READING, BOT, [orphan(1)]) == ()
    assert routed(None, BOT, [orphan(1)]) == ()


def test_a_paused_target_is_owed_its_updates() -> None:
    assert [owed.target_id for owed in routed(READING, BOT, [target(1, paused=True)])] == [1]


def test_a_target_takes_the_events_of_its_bots_only() -> None:
    targets = [target(1, bots=frozenset({BOT})), target(2, bots=frozenset({99})), target(3)]
    assert [owed.target_id for owed in routed(READING, BOT, targets)] == [1, 3]
    assert [owed.target_id for owed in routed(None, BOT, targets)] == [1, 3]


def test_lanes_are_per_bot() -> None:
    [here], [there] = routed(READING, 1, [target(1)]), routed(READING, 2, [target(1)])
    assert here.lane != there.lane


def test_a_target_without_order_has_no_lanes() -> None:
    [owed] = routed(READING, BOT, [target(1, ordered=False)])
    assert owed.lane is None


def test_an_update_of_no_lane_waits_behind_nothing() -> None:
    unknown = Reading(update_id=1, kind="telepathy", payload=b"{}")
    [owed] = routed(unknown, BOT, [target(1)])
    assert owed.lane is None


def test_priority_is_the_kinds() -> None:
    query = Reading(
        update_id=1, kind="callback_query", payload=b"{}", priority=Priority.INTERACTIVE
    )
    [owed] = routed(query, BOT, [target(1)])
    assert owed.priority is Priority.INTERACTIVE


def test_what_a_limit_says_holds_for_every_target() -> None:
    assert [owed.delay for owed in routed(READING, BOT, [target(1), target(2)], delay=5)] == [5, 5]
    dead = routed(READING, BOT, [target(1), target(2)], dead=RATE_LIMITED)
    assert [owed.dead for owed in dead] == ["rate_limited", "rate_limited"]


def test_what_cannot_be_read_is_a_dead_letter_of_every_target() -> None:
    owed = routed(None, BOT, [target(1), target(2, ordered=False)])
    assert owed == (Owed(target_id=1, dead="unparsed"), Owed(target_id=2, dead="unparsed"))


def test_a_target_is_owed_what_fits_its_filter() -> None:
    queries = Filter(kinds=frozenset({"callback_query"}))
    words = Filter(text=("re2:or+der",))
    targets = [target(1, filter=queries), target(2, filter=words), target(3)]
    said = Reading(update_id=1, kind="message", payload=b"{}", text="my orrrder")

    def search(expression: str, text: str) -> bool:
        return (expression, text) == ("or+der", "my orrrder")

    assert [owed.target_id for owed in route(said, BOT, targets, search=search)] == [2, 3]


def test_what_cannot_be_read_is_kept_for_a_target_whatever_its_filter() -> None:
    [owed] = route(None, BOT, [target(1, filter=Filter(kinds=frozenset({"poll"})))])
    assert owed.dead == "unparsed"


def test_a_chat_that_migrated_fits_by_its_former_id() -> None:
    moved = Reading(update_id=1, kind="message", payload=b"{}", chat_id=-1005)
    chosen = [target(1, filter=Filter(chats=frozenset({-5})))]
    assert route(moved, BOT, chosen) == ()
    assert len(route(moved, BOT, chosen, former=(-5,))) == 1
