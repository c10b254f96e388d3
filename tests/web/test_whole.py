"""What is read of a request that is there whole, and what is remembered of its head."""

from __future__ import annotations

import pytest

from fakes.http import request
from hookgram.web.whole import HEADERS, HEADS, LARGEST_HEAD, LONGEST, Heads, Reader, Request
from web.posting import PATH, TOKEN, WHOLE, update


def known() -> tuple[Heads, Request]:
    """Heads of which one is known, and the request that was read by it."""
    heads, read = Heads(), Reader().read(WHOLE)
    assert read is not None
    heads.keep(WHOLE, read)
    return heads, read


def with_header(name: str, value: str) -> bytes:
    return request("POST", PATH, update(1), [TOKEN, (name, value)])


NOT_PLAIN: dict[str, bytes] = {
    "nothing": b"",
    "a part of its head": WHOLE[:40],
    "its head alone": WHOLE[: -len(update(1))],
    "all but its last byte": WHOLE[:-1],
    "one byte more": WHOLE + b"P",
    "two of them": WHOLE + WHOLE,
    "another method": WHOLE.replace(b"POST", b"PUT", 1),
    "an older version": WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "a version that is none": WHOLE.replace(b"HTTP/1.1", b"HTTP/9.9", 1),
    "an empty line before it": b"\r\n" + WHOLE,
    "chunks": request(
        "POST", PATH, b"", [TOKEN, ("Transfer-Encoding", "chunked")], length=0
    ).replace(b"Content-Length: 0\r\n", b"")
    + b"2\r\n{}\r\n0\r\n\r\n",
    "one that asks whether to go on": with_header("Expect", "100-continue"),
    "one that is to be the last": with_header("Connection", "close"),
    "one that wants another protocol": with_header("Connection", "upgrade\r\nUpgrade: h2c"),
    "a head of too much": with_header("X-Filler", "y" * LARGEST_HEAD),
    "a header that is none": WHOLE.replace(b"Host:", b"Host", 1),
    "two lengths": with_header("Content-Length", "3"),
}


def test_a_plain_request_is_read() -> None:
    read = Reader().read(WHOLE)
    assert read is not None
    assert (read.url, read.body) == (PATH.encode(), update(1))
    assert (TOKEN[0].lower().encode(), TOKEN[1].encode()) in read.headers


def test_a_connection_that_is_to_be_kept_is_plain() -> None:
    assert Reader().read(with_header("Connection", "Keep-Alive")) is not None


@pytest.mark.parametrize("piece", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_nothing_else_is_read_and_leaves_no_trace(piece: bytes) -> None:
    reader = Reader()
    for _ in range(3):
        assert reader.read(piece) is None
        read = reader.read(WHOLE)
        assert read is not None
        assert read.body == update(1)
        assert len(read.headers) == 3


def test_a_known_head_is_read_as_the_parser_reads_it() -> None:
    heads, read = known()
    assert heads.read(WHOLE) == read
    other = WHOLE.replace(b"hi", b"ho")
    assert heads.read(other) == Reader().read(other)


@pytest.mark.parametrize("piece", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_just_a_known_head_and_its_body_is_not_read(piece: bytes) -> None:
    heads, _ = known()
    assert heads.read(piece) is None


def test_no_more_heads_are_remembered_than_may_be() -> None:
    heads, read = known()
    for number in range(HEADS):
        piece = with_header("X-Request-Id", str(number))
        parsed = Reader().read(piece)
        assert parsed is not None
        heads.keep(piece, parsed)
        assert heads.read(piece) == parsed
        assert len(heads._known) <= HEADS
    assert heads.read(WHOLE) is None  # forgotten with the others, and met again
    heads.keep(WHOLE, read)
    assert heads.read(WHOLE) == read


@pytest.mark.parametrize("value", ["y" * LONGEST, "y\r\nX:" * HEADERS], ids=["bytes", "headers"])
def test_a_head_of_much_is_not_remembered(value: str) -> None:
    heads = Heads()
    piece = with_header("X-Filler", value)
    parsed = Reader().read(piece)
    assert parsed is not None
    heads.keep(piece, parsed)
    assert heads.read(piece) is None


def test_a_head_that_ends_otherwise_is_not_remembered() -> None:
    heads, body = Heads(), b"{}\r\n\r\n"
    piece = b"POST / HTTP/1.1\n\n" + body
    heads.keep(piece, Request(b"/", [], body))
    assert len(heads._known) == 0
