"""A group that becomes a supergroup stays who it was."""

from __future__ import annotations

import pytest

from fakes.inbox import Facts, RecordingInbox
from hookgram.core.access import Access, Chats
from hookgram.core.definition import Bot, Definition, Filter, Origin, Target
from hookgram.core.facts import ChatMoved
from hookgram.core.retry import RetryPolicy
from hookgram.usecases.intake import Intake, Limits, Taken

BOT = Bot(name="default", bot_id=1)
GROUP, SUPERGROUP = -5, -1005
IN_GROUP = b'"chat":{"id":-5},"migrate_to_chat_id":-1005'
IN_SUPERGROUP = b'"chat":{"id":-1005},"migrate_from_chat_id":-5'
LATER = b'"chat":{"id":-1005},"text":"hello"'


class Book:
    def __init__(self) -> None:
        self.moves: list[tuple[int, int]] = []

    async def move_chat(self, chat_id: int, former: int) -> None:
        self.moves.append((chat_id, former))


class Way:
    """An intake and what it is made of."""

    def __init__(self, access: Access, chats: frozenset[int] | None = None) -> None:
        self.inbox, self.book, self.facts = RecordingInbox(), Book(), Facts()
        self.numbers = iter(range(1, 100))
        self.intake = Intake(
            inbox=self.inbox,
            access=access,
            limits=Limits(0, 0),
            clock=lambda: 1,
            entropy=bytes,
            notice=self.facts,
            wake=lambda _: None,
            book=self.book,
        )
        definition = Definition(
            name="a",
            urls=("http://127.0.0.1:9/",),
            origin=Origin.FILE,
            retry=RetryPolicy(waits=(), max_age=1),
            filter=Filter(chats=chats) if chats else None,
        )
        target = Target(target_id=1, name="a", origin=Origin.FILE, definition=definition)
        self.intake.set_targets([target])

    async def take(self, message: bytes, *, trusted: bool = True) -> Taken:
        body = b'{"update_id":%d,"message":{%s}}' % (next(self.numbers), message)
        return await self.intake.take(BOT, body, trusted=trusted)


@pytest.mark.parametrize("told", [IN_GROUP, IN_SUPERGROUP])
async def test_an_authorised_group_stays_authorised(told):
    way = Way(Access(authorised=frozenset({GROUP})))
    assert await way.take(LATER) is Taken.REFUSED
    assert await way.take(told) is Taken.STORED
    assert await way.take(LATER) is Taken.STORED
    assert way.book.moves == [(SUPERGROUP, GROUP)]
    assert way.facts.of(ChatMoved) == [ChatMoved(chat_id=SUPERGROUP, former=GROUP)]


async def test_both_messages_of_one_move_are_remembered_once():
    way = Way(Access(authorised=frozenset({GROUP})))
    await way.take(IN_GROUP)
    await way.take(IN_SUPERGROUP)
    assert len(way.book.moves) == 1


async def test_a_filter_follows_a_group_that_it_names():
    way = Way(Access(public=True), frozenset({GROUP}))
    await way.take(IN_SUPERGROUP)
    await way.take(LATER)
    assert [len(arrival.owed) for arrival in way.inbox.arrivals] == [1, 1]


async def test_a_chat_authorised_by_a_command_is_followed():
    way = Way(Access())
    way.intake.set_chats(Chats(authorised=frozenset({GROUP})))
    assert await way.take(IN_SUPERGROUP) is Taken.STORED
    way.intake.set_chats(Chats())
    assert await way.take(LATER) is Taken.REFUSED


async def test_what_the_store_remembers_holds_after_a_start():
    way = Way(Access(authorised=frozenset({GROUP})))
    way.intake.set_chats(Chats(former={SUPERGROUP: (GROUP,)}))
    assert await way.take(LATER) is Taken.STORED


async def test_strangers_fill_no_memory():
    way = Way(Access(public=True))
    await way.take(IN_GROUP)
    assert way.book.moves == []


async def test_who_proves_nothing_moves_nothing():
    way = Way(Access(authorised=frozenset({GROUP})))
    await way.take(IN_GROUP, trusted=False)
    assert await way.take(LATER, trusted=False) is Taken.REFUSED
    assert way.book.moves == []


@pytest.mark.parametrize(
    "odd",
    [
        b'"chat":{"id":-5},"migrate_to_chat_id":"x"',
        b'"chat":{"id":-5},"migrate_to_chat_id":-5',
        b'"migrate_to_chat_id":-5',
    ],
)
async def test_an_odd_message_moves_nothing(odd):
    way = Way(Access(public=True, authorised=frozenset({GROUP})))
    assert await way.take(odd) is Taken.STORED
    assert way.book.moves == []
