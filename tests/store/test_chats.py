"""Laws of the chat book."""

from __future__ import annotations

from hookgram.core.access import Chats
from hookgram.ports import Store


async def test_a_new_store_knows_no_chats(store: Store):
    assert await store.chats() == Chats()


async def test_a_chat_is_authorised_once_and_until_it_is_withdrawn(store: Store):
    assert await store.authorise(-5)
    assert not await store.authorise(-5)
    assert (await store.chats()).authorised == {-5}
    assert await store.withdraw(-5)
    assert not await store.withdraw(-5)
    assert (await store.chats()).authorised == frozenset()


async def test_an_authorised_chat_is_no_refused_one_any_more(store: Store):
    for bot in (1, 2):
        await store.refuse(bot, -5, "group")
    await store.refuse(1, -6, "group")
    await store.authorise(-5)
    assert [chat.chat_id for chat in await store.refused_chats()] == [-6]


async def test_a_refusal_that_comes_late_makes_an_authorised_chat_no_refused_one(store: Store):
    await store.authorise(-5)
    await store.refuse(1, -5, "group")
    assert await store.refused_chats() == []
    await store.withdraw(-5)
    assert [chat.chat_id for chat in await store.refused_chats()] == [-5]


async def test_a_chat_keeps_all_its_former_ids(store: Store):
    for former in (-5, -6, -5):
        await store.move_chat(-1005, former)
    await store.move_chat(-1007, -7)
    assert (await store.chats()).former == {-1005: (-6, -5), -1007: (-7,)}
