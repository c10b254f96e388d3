"""An intake with everything around it, and what it is given."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fakes.inbox import Facts, RecordingInbox
from hookgram.core.access import Access
from hookgram.core.definition import Bot, Definition, Origin, Target
from hookgram.core.retry import RetryPolicy
from hookgram.usecases.intake import Begun, Intake, Limits, Taken

BOT = Bot(name="default", bot_id=123456)
NOW = 1_772_040_230_123_456


class Desk:
    """An intake with everything around it."""

    begins = False

    def __init__(
        self, *, access: Access | None = None, per_minute: int = 0, max_delay: int = 0
    ) -> None:
        self.inbox = RecordingInbox()
        self.facts = Facts()
        self.woken: list[list[int]] = []
        self.now = NOW
        self.intake = Intake(
            inbox=self.inbox,
            access=access or Access(public=True),
            limits=Limits(per_minute, max_delay),
            clock=lambda: self.now,
            entropy=bytes,
            notice=self.facts,
            wake=lambda ids: self.woken.append(list(ids)),
        )
        self.intake.set_targets([target(1), target(2)])

    async def take(self, body: bytes, *, trusted: bool = True, bot: Bot = BOT) -> Taken:
        if not self.begins:
            return await self.intake.take(bot, body, trusted=trusted)
        begun = self.intake.begin(bot, body, trusted=trusted)
        if not isinstance(begun, Begun):
            return await begun
        await asyncio.wait([begun.kept])
        return self.intake.end(begun)

    @property
    def delays(self) -> list[int]:
        return [arrival.owed[0].delay for arrival in self.inbox.arrivals]


def target(target_id: int) -> Target:
    name = f"t{target_id}"
    definition = Definition(
        name=name,
        urls=("http://127.0.0.1:9/",),
        origin=Origin.ENV,
        retry=RetryPolicy(waits=(), max_age=1),
    )
    return Target(target_id=target_id, name=name, origin=Origin.ENV, definition=definition)


def message(update_id: int, chat_id: int = 7, **fields: Any) -> bytes:
    chat = {"id": chat_id, "type": "private"}
    payload = {"message_id": update_id, "date": 1_772_040_230, "chat": chat, "text": "hi"}
    return json.dumps({"update_id": update_id, "message": payload | fields}).encode()
