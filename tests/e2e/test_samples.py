"""Every sample reaches a real target byte for byte, posted and polled alike."""

from __future__ import annotations

import asyncio
import json

from core.test_sample_updates import LINES
from e2e.test_bots import SHOP_TOKEN, receiver
from fakes.gateway import gateway
from hookgram.demo.bot_api import FakeBotApi

SAMPLES = [body for _, body in LINES]
FILE = """
[[bots]]
name = "asked"
token = "${{SHOP_TOKEN}}"
ingest = "polling"

[[targets]]
name = "posted"
url = "{url}/posted"
bots = ["default"]
format = "update"

[[targets]]
name = "polled"
url = "{url}/polled"
bots = ["asked"]
format = "update"
"""


async def test_every_sample_arrives_as_telegram_sent_it_however_it_comes(tmp_path):
    async with receiver() as (url, got), FakeBotApi(SHOP_TOKEN) as server:
        (tmp_path / "hookgram.toml").write_text(FILE.format(url=url))
        for body in sorted(SAMPLES, key=lambda body: json.loads(body)["update_id"]):
            server.bots[SHOP_TOKEN].waiting.add(json.loads(body)["update_id"], body)
        settings = {
            "CONFIG_FILE": "hookgram.toml",
            "SHOP_TOKEN": SHOP_TOKEN,
            "TELEGRAM_API_URL": server.url,
        }
        async with gateway(tmp_path, **settings) as process:
            for body in SAMPLES:
                assert await process.post(body) == 200
            async with asyncio.timeout(60):
                arrived = [await got.get() for _ in range(2 * len(SAMPLES))]
            assert await process.stop() == 0
        assert got.empty()
    by_path: dict[str, list[bytes]] = {"/posted": [], "/polled": []}
    for path, headers, body in arrived:
        assert headers["Content-Type"] == "application/json"
        by_path[path].append(body)
    assert sorted(by_path["/posted"]) == sorted(SAMPLES)
    assert sorted(by_path["/polled"]) == sorted(SAMPLES)
