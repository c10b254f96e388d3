"""What went wrong on the way, in our words: the one place that knows the client's exceptions.

A detail tells the class or the system's word for the error. It never holds the text of an exception
of the client's, which may carry the URL and with it a token.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import TypeAlias

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from hookgram.channels.guard import Blocked
from hookgram.channels.wire import Overlong
from hookgram.core.outcome import FailureKind

LONGEST_DETAIL = 200

Errors: TypeAlias = tuple[type[BaseException], ...]

_KINDS: tuple[tuple[FailureKind, Errors], ...] = (
    ("blocked", (Blocked,)),
    ("dns", (socket.gaierror, aiohttp.ClientConnectorDNSError)),
    ("tls", (ssl.SSLError, aiohttp.ClientSSLError)),
    ("connect", (aiohttp.ClientConnectorError,)),
    ("protocol", (aiohttp.ClientResponseError, aiohttp.ClientPayloadError, Overlong)),
    ("reset", (aiohttp.ClientConnectionError, OSError)),
)
"""Looked through from above, for the error itself and what caused it: the more particular first."""

_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
"""No more files or memory: that is not the target's doing."""


def told(error: BaseException) -> tuple[FailureKind, str]:
    """Return the kind of an error met while sending, and a detail to show."""
    cause = error.__cause__ or error
    if isinstance(cause, OSError) and cause.errno in _OURS and not isinstance(cause, ssl.SSLError):
        return "exhausted", _detail(cause)
    for kind, errors in _KINDS:
        if isinstance(error, errors) or isinstance(cause, errors):
            return kind, _detail(cause)
    return "protocol", _detail(error)


def _detail(error: BaseException) -> str:
    return _words(error)[:LONGEST_DETAIL]


def _words(error: BaseException) -> str:
    words: str | None = None
    match error:
        case Blocked():
            words = str(error)
        case socket.gaierror():
            words = error.strerror
        case ssl.SSLCertVerificationError():
            words = f"the certificate was refused: {getattr(error, 'verify_message', 'no reason')}"
        case ssl.SSLError():
            words = getattr(error, "reason", None)  # one made in Python has none
        case Overlong():
            words = "the head of the answer never ends"
        case HttpProcessingError():
            words = "not an HTTP answer"
        case aiohttp.ServerDisconnectedError():
            words = "closed before an answer"
        case OSError(errno=int(number)):
            words = os.strerror(number)
        case _:
            pass
    return words or type(error).__name__
