"""Custody, from outside: a real process sets its webhook and takes what Telegram then posts."""

from __future__ import annotations

from fakes.gateway import SECRET, TOKEN, gateway
from hookgram.demo.bot_api import FakeBotApi

UPDATE = b'{"update_id":1,"message":{"chat":{"id":1}}}'
PUBLIC = "https://gateway.example.com"


async def test_it_sets_its_webhook_with_the_secret_it_asks_for(tmp_path):
    async with FakeBotApi(TOKEN) as server:
        bot = server.bots[TOKEN]
        settings = {"PUBLIC_URL": PUBLIC, "TELEGRAM_API_URL": server.url}
        async with gateway(tmp_path, **settings) as process:
            await process.until(lambda: bot.url, what="the setting")
            assert (bot.url, bot.secret) == (f"{PUBLIC}/telegram/webhook", SECRET)
            assert await process.post(UPDATE, secret=bot.secret) == 200
            assert await process.stop(deadline=10) == 0


async def test_a_secret_it_made_is_kept_and_nobody_sees_it(tmp_path):
    async with FakeBotApi(TOKEN) as server:
        bot = server.bots[TOKEN]
        settings = {
            "WEBHOOK_CUSTODY": "on",
            "RENDER_EXTERNAL_URL": PUBLIC,
            "TELEGRAM_API_URL": server.url,
            "TELEGRAM_SECRET_TOKEN": "",
        }
        async with gateway(tmp_path, **settings) as process:
            await process.until(lambda: bot.secret, what="the setting")
            assert await process.post(UPDATE, secret=None) == 403
            assert await process.post(UPDATE, secret=bot.secret) == 200
            await process.kill()
            looked = len(server.calls)
            await process.start()
            await process.until(lambda: len(server.calls) > looked, what="another look")
            assert await process.post(UPDATE, secret=bot.secret) == 200
            assert sum(method == "setwebhook" for method, _ in server.calls) == 1
            assert bot.secret not in process.log()
            assert "ANYBODY CAN POST" not in process.log()


async def test_a_telegram_that_is_down_delays_nothing(tmp_path):
    settings = {"PUBLIC_URL": PUBLIC, "TELEGRAM_API_URL": "http://127.0.0.1:9"}
    async with gateway(tmp_path, **settings) as process:
        await process.until(lambda: "cannot be looked after" in process.log(), what="the trouble")
        assert await process.post(UPDATE) == 200
        assert await process.stop(deadline=10) == 0


async def test_without_an_address_telegram_is_asked_nothing(tmp_path):
    async with (
        FakeBotApi(TOKEN) as server,
        gateway(tmp_path, TELEGRAM_API_URL=server.url) as process,
    ):
        assert await process.post(UPDATE) == 200
        assert await process.stop() == 0
        assert server.calls == []
