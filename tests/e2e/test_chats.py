"""A chat is admitted while the gateway runs, and a group stays admitted when it becomes another."""

from __future__ import annotations

import itertools
import json
from functools import partial

from fakes.command import command
from fakes.gateway import gateway

NUMBERS = itertools.count(1)


def update(chat: int, **fields) -> bytes:
    message = {"date": 1, "chat": {"id": chat, "type": "group"}, **fields}
    return json.dumps({"update_id": next(NUMBERS), "message": message}).encode()


async def test_a_refused_chat_is_found_admitted_followed_and_withdrawn(tmp_path):
    async with gateway(tmp_path, PUBLIC_MODE="false") as process:
        hookgram = partial(command, tmp_path, SQLITE_PATH=str(process.database))

        async def events() -> int:
            return len((await hookgram("events", "list", "--json")).document["events"])

        async def admits(chat: int) -> bool:
            before = await events()
            assert await process.post(update(chat, text="hello")) == 200
            return await events() > before

        assert not await admits(-5)
        [chat] = (await hookgram("chats", "refused", "--json")).document["refused"]
        assert (chat["chat_id"], chat["chat_kind"], chat["count"]) == (-5, "group", 1)

        await hookgram("chats", "authorise", "-5")
        await process.until(partial(admits, -5), what="admission")
        assert (await hookgram("chats", "refused", "--json")).document["refused"] == []

        assert await process.post(update(-5, migrate_to_chat_id=-1005)) == 200
        assert await admits(-1005)
        await process.kill()
        await process.start()
        assert await admits(-1005)
        assert process.log().count("no chat is admitted") == 1

        await hookgram("chats", "withdraw", "-5")

        async def refuses() -> bool:
            return not await admits(-1005)

        await process.until(refuses, what="withdrawal")
        assert (await hookgram("chats", "withdraw", "-5")).code == 1
