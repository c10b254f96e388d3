"""Updates as Telegram writes them: every kind, over a number of chats, from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

COMMON = ("message",) * 12 + ("callback_query",) * 3 + ("edited_message", "inline_query")
WORDS = ("hello", "/start", "order 77", "ping", "спасибо", "ありがとう", "👍🏽", "what time?", "0")


def updates(seed: int = 1, *, chats: int = 50, first: int = 100_000) -> Iterator[bytes]:
    """Yield updates without end, with rising ids, each with its own number in what it says."""
    chance = random.Random(seed)  # noqa: S311  (a simulation)
    number = first
    while True:
        kind = chance.choice(COMMON if chance.random() < 0.7 else KINDS)
        yield update(number, kind, chance.randrange(chats), chance)
        number += 1


def update(number: int, kind: str, chat: int, chance: random.Random) -> bytes:
    """Write one update as Telegram does: its id, a line break, its one payload."""
    payload = json.dumps(TEMPLATES[kind](_scene(number, chat, chance)), separators=(",", ":"))
    return f'{{"update_id":{number},\n"{kind}":{payload}}}'.encode()


class Scene(Struct, frozen=True, kw_only=True):
    """What an update of a chat is made of."""

    number: int
    user: dict[str, Any]
    chat: dict[str, Any]
    channel: dict[str, Any]
    date: int
    poll: str
    words: str

    def message(self) -> dict[str, Any]:
        """Write a message of the user in the private chat."""
        number = self.number % 100_000
        said = {"from": self.user, "chat": self.chat, "date": self.date, "text": self.words}
        return {"message_id": number, **said}

    def post(self) -> dict[str, Any]:
        """Write a post of the channel."""
        number = self.number % 100_000
        return {"message_id": number, "chat": self.channel, "date": self.date, "text": self.words}

    def query(self, **fields: Any) -> dict[str, Any]:
        """Write what asks for an answer."""
        return {"id": str(4_000_000_000_000 + self.number), "from": self.user, **fields}

    def reaction(self, chat: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Write a reaction to a message."""
        return {"chat": chat, "message_id": self.number, "date": self.date, **fields}

    def membership(self) -> dict[str, Any]:
        """Write how the user became a member of the channel."""
        old, new = ({"user": self.user, "status": status} for status in ("left", "member"))
        moved = {"old_chat_member": old, "new_chat_member": new}
        return {"chat": self.channel, "from": self.user, "date": self.date, **moved}

    def boost(self) -> dict[str, Any]:
        """Write the boost of the channel by the user."""
        return {"boost_id": str(self.number), "source": {"source": "premium", "user": self.user}}


_EMOJI = {"type": "emoji", "emoji": "🔥"}
_ADDRESS = {
    "country_code": "NL",
    "state": "",
    "city": "Utrecht",
    "street_line1": "Oudegracht 1",
    "street_line2": "",
    "post_code": "3511",
}
_POLL = {
    "total_voter_count": 0,
    "is_closed": False,
    "is_anonymous": False,
    "type": "regular",
    "allows_multiple_answers": False,
    "allows_revoting": False,
    "members_only": False,
}


def _dates(scene: Scene) -> dict[str, int]:
    return {"add_date": scene.date, "expiration_date": scene.date + 86_400}


TEMPLATES: dict[str, Callable[[Scene], dict[str, Any]]] = {
    "message": Scene.message,
    "edited_message": lambda s: s.message() | {"edit_date": s.date + 5},
    "channel_post": Scene.post,
    "edited_channel_post": lambda s: s.post() | {"edit_date": s.date + 5},
    "business_connection": lambda s: {
        "id": str(s.number),
        "user": s.user,
        "user_chat_id": s.user["id"],
        "date": s.date,
        "is_enabled": True,
    },
    "business_message": lambda s: {"business_connection_id": "b"} | s.message(),
    "edited_business_message": lambda s: s.message() | {"edit_date": s.date + 5},
    "deleted_business_messages": lambda s: {
        "business_connection_id": "b",
        "chat": s.chat,
        "message_ids": [s.number],
    },
    "guest_message": lambda s: s.message() | {"guest_query_id": str(s.number)},
    "message_reaction": lambda s: s.reaction(
        s.chat, user=s.user, old_reaction=[], new_reaction=[_EMOJI]
    ),
    "message_reaction_count": lambda s: s.reaction(
        s.channel, reactions=[{"type": _EMOJI, "total_count": s.number}]
    ),
    "inline_query": lambda s: s.query(query=f"find {s.number}", offset=""),
    "chosen_inline_result": lambda s: {
        "from": s.user,
        "query": f"find {s.number}",
        "result_id": str(s.number),
    },
    "callback_query": lambda s: s.query(
        message=s.message(), chat_instance="1", data=f"buy:{s.number}"
    ),
    "shipping_query": lambda s: s.query(
        invoice_payload=f"order-{s.number}", shipping_address=_ADDRESS
    ),
    "pre_checkout_query": lambda s: s.query(
        invoice_payload=f"order-{s.number}", currency="XTR", total_amount=1
    ),
    "purchased_paid_media": lambda s: {
        "from": s.user,
        "paid_media_payload": f"media-{s.number}",
    },
    "poll": lambda s: {"id": s.poll, "question": f"{s.number}?", "options": []} | _POLL,
    "poll_answer": lambda s: {
        "poll_id": s.poll,
        "user": s.user,
        "option_ids": [s.number % 4],
        "option_persistent_ids": [str(s.number)],
    },
    "my_chat_member": lambda s: s.membership() | {"via_join_request": False},
    "chat_member": lambda s: s.membership(),
    "chat_join_request": lambda s: {
        "chat": s.channel,
        "from": s.user,
        "user_chat_id": s.user["id"],
        "date": s.date,
        "bio": s.words,
    },
    "chat_boost": lambda s: {"chat": s.channel, "boost": s.boost() | _dates(s)},
    "removed_chat_boost": lambda s: {"chat": s.channel, "remove_date": s.date} | s.boost(),
    "managed_bot": lambda s: {
        "user": s.user,
        "bot": {"id": s.number, "is_bot": True, "first_name": "Managed"},
    },
    "subscription": lambda s: {
        "user": s.user,
        "invoice_payload": f"sub-{s.number}",
        "state": "active",
    },
    "stopped_message_generation": lambda s: {"chat": s.chat, "draft_id": s.number},
}
KINDS = tuple(TEMPLATES)


def _scene(number: int, chat: int, chance: random.Random) -> Scene:
    user = {"id": 5_000_000_000 + chat, "is_bot": False, "first_name": f"User {chat}"}
    return Scene(
        number=number,
        user=user,
        chat={"id": user["id"], "first_name": user["first_name"], "type": "private"},
        channel={"id": -1_001_000_000_000 - chat, "title": f"Channel {chat}", "type": "channel"},
        date=1_787_550_000 + number % 1_000_000,
        poll=str(7_000_000 + chat),
        words=f"{chance.choice(WORDS)} #{number}",
    )
