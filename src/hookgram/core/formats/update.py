"""Format ``update``: what Telegram itself would send, for bots that already exist.

The bytes that came, whatever they hold. The content type has no charset, because some libraries
compare it word for word; the deadline is longer than the 60 seconds that Telegram gives a bot, so
that one which works while we wait is not cut off earlier than by Telegram.
"""

from __future__ import annotations

from collections.abc import Mapping

from hookgram.core.definition import Definition
from hookgram.core.formats.layout import Layout
from hookgram.core.model import SECOND, Event

SECRET_TOKEN = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  (a header's name)


def update_body(event: Event) -> bytes:
    """Return the bytes that came."""
    return event.body


def secret_token(definition: Definition) -> Mapping[str, str]:
    """Return the header by which the target knows that it is us."""
    return {} if definition.secret_token is None else {SECRET_TOKEN: definition.secret_token}


LAYOUT = Layout(
    body=update_body,
    content_type="application/json",
    headers=secret_token,
    timeout=65 * SECOND,
)
