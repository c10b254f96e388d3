"""What is told of an error: its kind and a few words, never a URL."""

from __future__ import annotations

import errno
import socket
import ssl

import aiohttp
import pytest

from fakes import hostile
from fakes.hostile import serve
from hookgram.channels.troubles import LONGEST_DETAIL, told

CANARY = "123456:AAcanary-token"


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "detail"),
    [
        (OSError(errno.EMFILE, CANARY), "exhausted", "Too many open files"),
        (ConnectionResetError(errno.ECONNRESET, CANARY), "reset", "Connection reset by peer"),
        (aiohttp.ClientOSError(errno.EPIPE, CANARY), "reset", "Broken pipe"),
        (aiohttp.ClientOSError(None, CANARY), "reset", "ClientOSError"),
        (aiohttp.ServerDisconnectedError(CANARY), "reset", "closed before an answer"),
        (aiohttp.ClientPayloadError(CANARY), "protocol", "ClientPayloadError"),
        (aiohttp.InvalidURL(CANARY), "protocol", "InvalidURL"),
        (socket.gaierror(socket.EAI_NONAME, "no such name"), "dns", "no such name"),
        (ssl.SSLError(1, CANARY), "tls", "SSLError"),
        (
            caused(aiohttp.ClientOSError(1, CANARY), ssl.SSLError(1, CANARY)),
            "tls",
            "SSLError",
        ),
    ],
)
def test_an_error_is_told_by_its_kind_and_never_by_its_text(error, kind, detail):
    assert told(error) == (kind, detail)


def test_a_detail_is_bounded():
    assert len(told(socket.gaierror(1, "x" * 999))[1]) == LONGEST_DETAIL


@pytest.mark.parametrize(
    "behaviour",
    [
        hostile.hang_after_request,
        hostile.reset_after_reading,
        hostile.reset_before_reading,
        hostile.close_before_answer,
        hostile.garbage,
        hostile.endless_headers,
        hostile.redirect_to_itself,
    ],
)
async def test_no_answer_holds_a_secret_of_the_url(send, behaviour):
    async with serve(behaviour) as server:
        url = f"http://user:canary@127.0.0.1:{server.port}/{CANARY}?canary=canary"
        answer = await send(url, seconds=0.2)
    assert "canary" not in repr(answer)
