"""Several bots, each with its targets, through a real process."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from fakes.gateway import SECRET, TOKEN, Process, gateway
from hookgram.demo.bot_api import FakeBotApi

SHOP_TOKEN = "654321:BBF0-another_token_of_the_tests"
FILE = """
[[bots]]
name = "shop"
token = "${{SHOP_TOKEN}}"
secret_token = "of-the-shop"

[[targets]]
name = "bot"
url = "{url}/bot"
bots = ["shop"]
format = "update"
secret_token = "for-the-target"

[[targets]]
name = "orders"
url = "{url}/orders"
headers = {{ Authorization = "Bearer of-the-desk" }}
[targets.filter]
commands = ["/order"]
text = ['re2:\\d+']

[[targets]]
name = "broker"
url = "{url}/broker"
format = "cloudevents"
secrets = []
[targets.filter]
kinds = ["poll"]
"""


@asynccontextmanager
async def receiver():
    """A server that keeps what it gets, by path."""
    got: asyncio.Queue = asyncio.Queue()

    async def take(request):
        await got.put((request.path, dict(request.headers), await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/{name}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", got
    finally:
        await runner.cleanup()


def message(number: int, text: str) -> bytes:
    return (
        b'{ "update_id":%d,  "message":{"message_id":1,"date":1772040230,"text":%s,'
        b'"chat":{"id":7,"type":"private"},"from":{"id":7}}}' % (number, json.dumps(text).encode())
    )


async def test_each_bots_updates_reach_the_targets_that_want_them(tmp_path):
    async with receiver() as (url, got):
        (tmp_path / "hookgram.toml").write_text(FILE.format(url=url))
        named = {"CONFIG_FILE": "hookgram.toml", "SHOP_TOKEN": SHOP_TOKEN}
        async with gateway(tmp_path, **named) as process:
            shop = {"path": "/telegram/webhook/shop"}
            first = message(1, "/order 5")
            assert await process.post(first, secret="of-the-shop", **shop) == 200
            assert await process.post(message(2, "hello"), secret=SECRET, **shop) == 403
            assert await process.post(message(3, "/order"), secret=SECRET) == 200
            assert await process.post(message(4, "/order@b 6"), secret=SECRET) == 200
            poll = b'{"update_id":5,"poll":{"id":"9"}}'
            assert await process.post(poll, secret=SECRET) == 200
            async with asyncio.timeout(20):
                arrived = [await got.get() for _ in range(4)]
            assert got.empty()
            assert await process.stop() == 0
            log = process.log()
    by_path = {}
    for path, headers, body in arrived:
        by_path.setdefault(path, []).append((headers, body))
    [(headers, body)] = by_path["/bot"]
    assert body == first
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Telegram-Bot-Api-Secret-Token"] == "for-the-target"
    orders = [json.loads(body) for _, body in by_path["/orders"]]
    assert sorted((one["bot_id"], one["text"]) for one in orders) == [
        (123456, "/order@b 6"),
        (654321, "/order 5"),
    ]
    assert {headers["Authorization"] for headers, _ in by_path["/orders"]} == {"Bearer of-the-desk"}
    [(headers, body)] = by_path["/broker"]
    assert json.loads(body)["data"] == {"id": "9"}
    assert "X-Gateway-Signature" not in headers
    for secret in ("of-the-shop", "for-the-target", "of-the-desk", SHOP_TOKEN.partition(":")[2]):
        assert secret not in log


async def test_a_file_with_mistakes_ends_with_78_and_tells_each(tmp_path):
    (tmp_path / "hookgram.toml").write_text('[[targets]]\nname = "A"\nurl = "x"\n')
    process = Process(tmp_path, CONFIG_FILE="hookgram.toml")
    with pytest.raises(AssertionError, match="ended with 78") as ended:
        await process.start()
    assert "hookgram.toml:2: targets 1, name: is no name" in str(ended.value)
    assert "hookgram.toml:3: targets 1, url: not an http or https URL" in str(ended.value)


WAYS = """
[[bots]]
name = "asked"
token = "${{SHOP_TOKEN}}"
ingest = "polling"

[[bots]]
name = "posted"
token = "${{DESK_TOKEN}}"

[[targets]]
name = "all"
url = "{url}/all"
bots = ["asked", "posted"]
format = "update"
[targets.filter]
kinds = ["poll", "message"]
"""
DESK_TOKEN = "777777:CCF0-a_third_token_of_the_tests__"


async def test_each_bots_updates_come_in_its_own_way(tmp_path):
    async with receiver() as (url, got), FakeBotApi(TOKEN, SHOP_TOKEN, DESK_TOKEN) as server:
        (tmp_path / "hookgram.toml").write_text(WAYS.format(url=url))
        settings = {
            "CONFIG_FILE": "hookgram.toml",
            "SHOP_TOKEN": SHOP_TOKEN,
            "DESK_TOKEN": DESK_TOKEN,
            "TELEGRAM_API_URL": server.url,
            "PUBLIC_URL": "https://gateway.example.com",
        }
        asked = server.bots[SHOP_TOKEN]
        own, posted = server.bots[TOKEN], server.bots[DESK_TOKEN]
        asked.waiting.add(8, message(8, "asked for"))
        async with gateway(tmp_path, **settings) as process:
            await process.until(lambda: own.url and posted.url, what="both webhooks")
            assert own.url == "https://gateway.example.com/telegram/webhook"
            assert posted.url == "https://gateway.example.com/telegram/webhook/posted"
            assert posted.secret not in {None, SECRET}
            assert (posted.allowed, "inline_query" in own.allowed) == (["message", "poll"], True)
            assert asked.url == ""
            path = "/telegram/webhook/posted"
            assert await process.post(message(9, "posted"), secret="wrong", path=path) == 403
            assert await process.post(message(9, "posted"), secret=posted.secret, path=path) == 200
            async with asyncio.timeout(20):
                bodies = {(await got.get())[2] for _ in range(2)}
            assert bodies == {message(8, "asked for"), message(9, "posted")}
            assert await process.stop(deadline=10) == 0
