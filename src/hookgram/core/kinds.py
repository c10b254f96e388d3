"""What Telegram sends: for each kind of update, where its fields are, its lane and its lifetime.

Sources: Bot API 10.3 "Update"; ordering spaces and lifetimes from ``Client.cpp`` of
tdlib/telegram-bot-api (10.0). A path is a dotted walk through the payload.
"""

from __future__ import annotations

from msgspec import Struct

from hookgram.core.model import DAY, MINUTE, SECOND, Micros, Priority


class Kind(Struct, frozen=True, kw_only=True):
    """How to read one kind. Paths are dotted; "" leads nowhere.

    ``moment`` and ``text`` are alternatives: the first that is there counts. ``lane`` is the path
    of the lane's id, or "chat" or "user" for the id of the one found there.
    """

    chat: str = "chat"
    user: str = "from"
    moment: tuple[str, ...] = ("date",)
    text: tuple[str, ...] = ()
    space: str
    lane: str = "chat"
    lifetime: Micros = DAY
    priority: Priority = Priority.NORMAL
    limited: bool = False
    """Whether the rate limit per chat concerns it."""
    reactions: bool = False
    """Whether its text is a list of reactions."""
    content: bool = False
    """Whether it is a message, with a content type."""


_WORDS = ("text", "caption")


def _message(space: str, *, edited: bool = False) -> Kind:
    moment = ("edit_date", "date") if edited else ("date",)
    return Kind(space=space, moment=moment, text=_WORDS, limited=True, content=True)


def _query(space: str, text: tuple[str, ...], lifetime: Micros, *, chat: str = "") -> Kind:
    return Kind(
        chat=chat,
        moment=(),
        text=text,
        space=space,
        lane="user",
        lifetime=lifetime,
        priority=Priority.INTERACTIVE,
    )


def _of_user(space: str, user: str, text: tuple[str, ...] = ()) -> Kind:
    return Kind(chat="", user=user, moment=(), text=text, space=space, lane="user")


KINDS: dict[str, Kind] = {
    "message": _message("chat"),
    "edited_message": _message("chat", edited=True),
    "channel_post": _message("chat"),
    "edited_channel_post": _message("chat", edited=True),
    "business_message": _message("business"),
    "edited_business_message": _message("business", edited=True),
    "deleted_business_messages": Kind(user="", moment=(), space="business"),
    "guest_message": _message("guest"),
    "message_reaction": Kind(user="user", text=("new_reaction",), reactions=True, space="reaction"),
    "message_reaction_count": Kind(
        user="", text=("reactions",), reactions=True, space="reaction_count"
    ),
    "inline_query": _query("inline", ("query",), 30 * SECOND),
    "chosen_inline_result": Kind(
        chat="", moment=(), text=("query",), space="chosen", lane="user", lifetime=10 * MINUTE
    ),
    "callback_query": _query(
        "callback", ("data", "game_short_name"), 150 * SECOND, chat="message.chat"
    ),
    "shipping_query": _query("payment", ("invoice_payload",), 150 * SECOND),
    "pre_checkout_query": _query("payment", ("invoice_payload",), 150 * SECOND),
    "purchased_paid_media": _of_user("paid_media", "from", ("paid_media_payload",)),
    "poll": Kind(chat="", user="", moment=(), text=("question",), space="poll", lane="id"),
    "poll_answer": Kind(chat="voter_chat", user="user", moment=(), space="poll", lane="poll_id"),
    "my_chat_member": Kind(space="my_member"),
    "chat_member": Kind(space="member", lane="old_chat_member.user.id"),
    "chat_join_request": Kind(space="member", lane="user"),
    "chat_boost": Kind(user="boost.source.user", moment=("boost.add_date",), space="boost"),
    "removed_chat_boost": Kind(user="source.user", moment=("remove_date",), space="boost"),
    "business_connection": Kind(chat="", user="user", space="business_connection", lane="user"),
    "managed_bot": _of_user("managed_bot", "user"),
    "subscription": _of_user("subscription", "user"),
    "stopped_message_generation": Kind(user="", moment=(), space="stopped_generation"),
}
"""business_connection has its chat id as a plain number, in ``user_chat_id``."""


_INTERACTIVE = frozenset(
    name for name, kind in KINDS.items() if kind.priority is Priority.INTERACTIVE
)


def is_interactive(kind: str) -> bool:
    """Tell whether somebody waits for the bot's answer to an update of this kind."""
    return kind in _INTERACTIVE
