"""Posts one call to the Bot API as it came, files and all, and tells what was said to it.

Not through aiogram, which would read the call into its models and write it anew: what passes here
is what the bot wrote, whatever it knows that we do not.
"""

from __future__ import annotations

from typing import Self

import aiohttp
import msgspec
from msgspec import Struct

from hookgram.core.redact import mask

ANSWER_TIMEOUT = 20.0
CONNECT_TIMEOUT = 5.0
LARGEST_ANSWER = 64 * 1024
LONGEST_TEXT = 300


class Parameters(Struct):
    """What an error answer says beside its text."""

    retry_after: float | None = None


class Said(Struct):
    """The Bot API's answer. ``description`` is there when it is not ok."""

    ok: bool
    description: str = ""
    parameters: Parameters | None = None
    status: int = 0

    @property
    def retry_after(self) -> float | None:
        """Return how many seconds it asks to wait; None when it does not: it has not done it."""
        if self.ok or self.status != 429:
            return None
        asked = self.parameters.retry_after if self.parameters else None
        return max(asked or 1.0, 0.1)


class NotSent(Exception):
    """No connection: nothing of the call has left."""


class NoAnswer(Exception):
    """The call has left and no answer of the Bot API's came: it may have been executed."""


class Postbox:
    """A session with one Bot API server. Make it on the event loop; use it as a context."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT, connect=CONNECT_TIMEOUT),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def post(self, token: str, method: str, content_type: str, body: bytes) -> Said:
        """Post one call, within its deadline. Raises NotSent or NoAnswer, without the token."""
        url = f"{self._base_url}/bot{token}/{method}"
        headers = {"Content-Type": content_type}
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return _said(answer.status, await _text(answer))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            # Without the cause: its text may hold the URL, and with it the token.
            raise NotSent("the Bot API cannot be reached") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NoAnswer(f"no answer of the Bot API ({type(error).__name__})") from None


def _said(status: int, text: bytes) -> Said:
    try:
        said = msgspec.json.decode(text, type=Said)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise NoAnswer(f"what answered (status {status}) is no Bot API") from None
    said.status = status
    said.description = mask(said.description)[:LONGEST_TEXT]
    return said


async def _text(answer: aiohttp.ClientResponse) -> bytes:
    taken = bytearray()
    async for piece in answer.content.iter_any():
        taken += piece
        if len(taken) > LARGEST_ANSWER:
            raise NoAnswer("the Bot API's answer is too large")
    return bytes(taken)
