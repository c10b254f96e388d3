"""Reads the named values of an answer in any form that Telegram takes a reply in."""

from __future__ import annotations

import asyncio

from aiohttp import BodyPartReader, MultipartReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from hookgram.core.replying import Fields, Form, form_fields, form_of, json_fields

READ = ("method", "chat_id")
MOST_PARTS = 200
LONGEST_VALUE = 4096


async def fields_of(content_type: str, body: bytes) -> Fields:
    """Return the values of an answer; of one in parts only those that decide about its call."""
    match form_of(content_type):
        case Form.JSON:
            return json_fields(body)
        case Form.PAIRS:
            return form_fields(body)
        case Form.PARTS:
            return await _parts(content_type, body)
        case _:
            return {}


async def _parts(content_type: str, body: bytes) -> Fields:
    """Read parts; what cannot be read as such has no fields, as for Telegram."""
    stream = StreamReader(BaseProtocol(asyncio.get_running_loop()), limit=len(body) + 1)
    stream.feed_data(body)
    stream.feed_eof()
    found: dict[str, object] = {}
    try:
        reader = MultipartReader({"Content-Type": content_type}, stream)
        for _ in range(MOST_PARTS):
            part = await reader.next()
            if part is None:
                break
            if isinstance(part, BodyPartReader) and part.name in READ:
                value = await part.read()
                found[part.name] = bytes(value[:LONGEST_VALUE]).decode("utf-8", "replace")
    except (ValueError, AssertionError, RuntimeError, HttpProcessingError):
        return {}
    return found
