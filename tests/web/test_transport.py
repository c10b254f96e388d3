"""What is written in one turn of the loop leaves together, in order, and never without a bound."""

from __future__ import annotations

import asyncio

from hookgram.web.transport import LARGE, Together


class Below(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.ended = ""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def is_closing(self) -> bool:
        return bool(self.ended)


def pair() -> tuple[Below, Together]:
    below = Below()
    return below, Together(below, asyncio.get_running_loop())


async def test_what_is_written_in_one_turn_leaves_in_one_write():
    below, above = pair()
    above.write(b"head, ")
    above.write(b"body")
    assert below.writes == []
    await asyncio.sleep(0)
    assert below.writes == [b"head, body"]


async def test_what_is_written_in_two_turns_leaves_in_two():
    below, above = pair()
    above.write(b"one")
    await asyncio.sleep(0)
    above.write(b"two")
    await asyncio.sleep(0)
    assert below.writes == [b"one", b"two"]


async def test_much_leaves_at_once_so_that_a_slow_reader_pauses_the_writer():
    below, above = pair()
    above.write(b"x")
    above.write(b"y" * LARGE)
    assert b"".join(below.writes) == b"x" + b"y" * LARGE
    above.write(b"z")
    await asyncio.sleep(0)
    assert below.writes[-1] == b"z"


async def test_what_is_whole_leaves_at_once_but_never_before_what_was_written():
    below, above = pair()
    above.send(b"one")
    assert below.writes == [b"one"]
    above.write(b"two, ")
    above.send(b"three")
    await asyncio.sleep(0)
    assert below.writes == [b"one", b"two, three"]


async def test_a_close_comes_behind_what_was_written():
    below, above = pair()
    above.write(b"last")
    above.close()
    assert (below.writes, below.ended) == ([b"last"], "closed")
    await asyncio.sleep(0)
    assert above.is_closing()


async def test_after_an_abort_nothing_is_written():
    below, above = pair()
    above.write(b"lost")
    above.abort()
    await asyncio.sleep(0)
    assert (below.writes, below.ended) == ([], "aborted")


async def test_what_was_written_to_a_connection_that_is_lost_is_dropped():
    below, above = pair()
    above.write(b"lost")
    below.close()
    await asyncio.sleep(0)
    assert below.writes == []
