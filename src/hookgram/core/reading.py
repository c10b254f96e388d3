"""Reads what routing and the documented payload need out of an update's bytes; never changes them.

An update is readable when it is a JSON object with an integer ``update_id`` and another key, which
is its kind. Each field is read alone: one that cannot be read is null and harms no other.
"""

from __future__ import annotations

import json
import re

import msgspec
from msgspec import Raw, Struct

from hookgram.core.escapes import repaired
from hookgram.core.kinds import KINDS, Kind
from hookgram.core.model import SECOND, Micros, Priority
from hookgram.core.plain import Integer64, PlainUpdate, plain_update

_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]*)")
_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)

_NULL = Raw(b"null")
_object = msgspec.json.Decoder(dict[str, Raw])
_text = msgspec.json.Decoder(str)
_number = msgspec.json.Decoder(Integer64)

CONTENT = tuple(
    """
    text animation audio document paid_media live_photo photo sticker story video video_note
    voice checklist contact venue location dice game poll invoice rich_message
    new_chat_members left_chat_member new_chat_title new_chat_photo delete_chat_photo
    group_chat_created supergroup_chat_created channel_chat_created
    message_auto_delete_timer_changed migrate_to_chat_id migrate_from_chat_id pinned_message
    successful_payment refunded_payment users_shared chat_shared connected_website
    write_access_allowed passport_data proximity_alert_triggered boost_added
    chat_background_set checklist_tasks_done checklist_tasks_added forum_topic_created
    forum_topic_edited forum_topic_closed forum_topic_reopened general_forum_topic_hidden
    general_forum_topic_unhidden giveaway_created giveaway giveaway_winners
    giveaway_completed gift unique_gift video_chat_scheduled video_chat_started
    video_chat_ended video_chat_participants_invited web_app_data suggested_post_approved
    managed_bot_created community_chat_added chat_owner_changed poll_option_added
    """.split()  # noqa: SIM905  (fifty lines of one word each say less)
)
"""What a message can hold; the first that is there names its content type."""

_MIGRATIONS = ("migrate_to_chat_id", "migrate_from_chat_id")


class Reading(Struct, frozen=True, kw_only=True, gc=False):
    """What one readable update says. ``payload`` is its kind's value, byte for byte."""

    update_id: int | None
    kind: str
    payload: bytes
    chat_id: int | None = None
    chat_kind: str | None = None
    user_id: int | None = None
    username: str | None = None
    timestamp: int | None = None
    text: str | None = None
    content_type: str | None = None
    lane: str | None = None
    lifetime: Micros | None = None
    priority: Priority = Priority.NORMAL
    limited: bool = False

    def expires_at(self, received_at: Micros) -> Micros | None:
        """When Telegram itself would have given it up: counted from its own date, else from now."""
        if self.lifetime is None:
            return None
        start = received_at if self.timestamp is None else self.timestamp * SECOND
        return start + self.lifetime


def read(body: bytes) -> Reading | None:
    """Read an update; None when it is none. Never raises, whatever the bytes."""
    plain = plain_update(body)
    if plain is not None:
        return _plain(plain)
    try:
        return _read(body, body)
    except _ERRORS:
        pass
    readable = repaired(body)
    if readable == body:
        return None
    try:
        return _read(readable, body)
    except _ERRORS:
        return None


def migration(reading: Reading) -> tuple[int, int] | None:
    """Return the id that a group has now, as a supergroup, and the one it had; None: nothing moved.

    Telegram says so twice: in the group, and in the supergroup.
    """
    chat, said = reading.chat_id, reading.content_type
    if chat is None or said not in _MIGRATIONS:
        return None
    other = _integer(_members(Raw(reading.payload)).get(said))
    if other is None or other == chat:
        return None
    return (other, chat) if said == "migrate_to_chat_id" else (chat, other)


def _read(readable: bytes, original: bytes) -> Reading | None:
    """Read fields from *readable*, which has the same offsets as *original*."""
    fields = _object.decode(readable)
    number = fields.pop("update_id", None)
    if number is None or not fields:
        return None
    update_id = _integer(number)
    if update_id is None and not _INTEGER.fullmatch(bytes(number)):
        return None
    name, value = next(iter(fields.items()))
    seen = bytes(value)
    start = 0 if readable is original else readable.find(seen)
    payload = seen if readable is original else original[start : start + len(seen)]
    kind = KINDS.get(name)
    if kind is None:
        return Reading(update_id=update_id, kind=name, payload=payload)
    return _known(update_id, name, kind, payload, _members(value))


def _known(
    update_id: int | None, name: str, kind: Kind, payload: bytes, fields: dict[str, Raw]
) -> Reading:
    chat, user = _members(_at(fields, kind.chat)), _members(_at(fields, kind.user))
    chat_id = fields.get("user_chat_id") if name == "business_connection" else chat.get("id")
    return Reading(
        update_id=update_id,
        kind=name,
        payload=payload,
        chat_id=_integer(chat_id),
        chat_kind=_string(chat.get("type")),
        user_id=_integer(user.get("id")),
        username=_string(user.get("username")),
        timestamp=_moment(fields, kind),
        text=_said(fields, kind),
        content_type=_content(fields) if kind.content else None,
        lane=_lane(fields, kind, chat, user),
        lifetime=kind.lifetime,
        priority=kind.priority,
        limited=kind.limited,
    )


def _plain(update: PlainUpdate) -> Reading:
    update_id, name, payload, message = update
    chat, user, kind = message.chat, message.user, KINDS[name]
    return Reading(
        update_id=update_id,
        kind=name,
        payload=payload,
        chat_id=chat.id,
        chat_kind=chat.type,
        user_id=user.id,
        username=user.username,
        timestamp=message.date,
        text=message.text,
        content_type="text",
        lane=f"{kind.space}/{chat.id}",
        lifetime=kind.lifetime,
        priority=kind.priority,
        limited=kind.limited,
    )


def _at(fields: dict[str, Raw], path: str) -> Raw | None:
    """Return the value at the end of a dotted path, if there is one."""
    if "." not in path:
        return fields.get(path)
    first, _, rest = path.partition(".")
    return _at(_members(fields.get(first)), rest)


def _first(fields: dict[str, Raw], paths: tuple[str, ...]) -> Raw | None:
    """Return the first value that is there and not null."""
    for path in paths:
        value = _at(fields, path)
        if value is not None and value != _NULL:
            return value
    return None


def _lane(
    fields: dict[str, Raw], kind: Kind, chat: dict[str, Raw], user: dict[str, Raw]
) -> str | None:
    match kind.lane:
        case "chat":
            label = _label(chat.get("id"))
        case "user":
            label = _label(user.get("id"))
        case path:
            label = _label(_at(fields, path))
    return None if label is None else f"{kind.space}/{label}"


def _members(value: Raw | None) -> dict[str, Raw]:
    if value is None:
        return {}
    try:
        return _object.decode(value)
    except _ERRORS:
        return {}


def _integer(value: Raw | None) -> int | None:
    """Read a JSON integer that fits into 64 bits."""
    if value is None:
        return None
    try:
        return _number.decode(value)
    except _ERRORS:
        return None


def _string(value: Raw | None) -> str | None:
    """Read a JSON string; what is not UTF-8 or no character becomes U+FFFD."""
    if value is None:
        return None
    try:
        return _text.decode(value)
    except msgspec.ValidationError:  # not a string
        return None
    except _ERRORS:
        return _forgiving(bytes(value))


def _forgiving(token: bytes) -> str | None:
    try:
        text = json.loads(repaired(token).decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None
    return text if isinstance(text, str) else None


def _label(value: Raw | None) -> str | None:
    """Read the id of a lane: a number, or a poll's id, which is a string."""
    number = _integer(value)
    if number is not None:
        return str(number)
    text = _string(value)
    return text if text and len(text) <= 64 else None


def _moment(fields: dict[str, Raw], kind: Kind) -> int | None:
    moment = _integer(_first(fields, kind.moment))
    return moment if moment is not None and 0 < moment < 2**40 else None


def _said(fields: dict[str, Raw], kind: Kind) -> str | None:
    if kind.reactions:
        return _reactions(_first(fields, kind.text))
    return _string(_first(fields, kind.text))


def _reactions(value: Raw | None) -> str | None:
    """Join emoji, custom emoji ids and "paid", in their order."""
    try:
        entries = msgspec.json.decode(value or b"[]", type=list[Raw])
    except _ERRORS:
        return None
    words = []
    for entry in map(_members, entries):
        reaction = (
            _members(entry.get("type")) if bytes(entry.get("type", Raw(b"")))[:1] == b"{" else entry
        )
        word = (
            _string(reaction.get("emoji"))
            or _string(reaction.get("custom_emoji_id"))
            or _string(reaction.get("type"))
        )
        words += [word] if word else []
    return " ".join(words) or None


def _content(fields: dict[str, Raw]) -> str | None:
    for name in CONTENT:
        if name in fields:
            return name
    return None
