"""The log: lines are put in a bounded queue and written by a thread of their own.

Writing never holds up the event loop; when the thread is too slow, or the stream takes nothing
(a full disk, a closed pipe), lines are dropped and counted. Everything that is printed is masked,
what libraries log included.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from typing import Self, TextIO

from msgspec import Struct

from hookgram.core.facts import DuplicateSeen, EventAccepted, Fact, IngestRejected
from hookgram.core.redact import suspect
from hookgram.observe.lines import Line, line_of
from hookgram.observe.rendering import ENCODING, Renderer, style_of
from hookgram.observe.thinning import WINDOW, Thinning

CAPACITY = 10_000
BATCH = 500
"""Lines written at once, at most."""

GATHER = 0.02
"""Seconds that a line waits for others: to wake the thread for each would hold up the event loop,
which shares Python's lock with it."""

_FREQUENT = frozenset({EventAccepted, DuplicateSeen})
"""Facts of every update that are lines at debug only: not worth a place in the queue else."""


class Entry(Struct, frozen=True, gc=False):
    """A line on its way to the thread: a fact, or a record of a library."""

    at: float
    what: Fact | Line


class Log:
    """Prints facts: it is a ``Notice``. A context manager; the end of it writes what waits.

    *style*: ``pretty``, ``json`` or ``auto`` (pretty on a terminal). *level*: a name of the
    standard library's. *secrets* never appear.
    """

    def __init__(self, stream: TextIO, style: str, level: str, secrets: Sequence[str]) -> None:
        self._stream = stream
        self._level = logging.getLevelNamesMapping()[level.upper()]
        self._passed_over = frozenset() if self._level <= logging.DEBUG else _FREQUENT
        self._secrets = tuple(secrets)
        self._style = style_of(style, self._secrets, terminal=stream.isatty())
        # The simple queue, because a library may log while the collector interrupts a put of ours.
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self.stuck = False
        self._dropped = 0
        self._thinning = Thinning()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        root = logging.getLogger()
        self._before = (root.handlers[:], root.level)
        root.handlers[:] = [_Bridge(self)]
        root.setLevel(max(self._level, logging.WARNING))
        logging.captureWarnings(capture=True)
        return self

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.handlers[:], level = self._before
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        self.close()

    def __call__(self, fact: Fact) -> None:
        """Take a fact; never blocks, never raises."""
        if type(fact) not in self._passed_over:
            self.put(fact)

    def put(self, what: Fact | Line) -> None:
        """Queue a line; count it as dropped when the queue is full."""
        if self._queue.qsize() < CAPACITY:
            self._queue.put(Entry(time.time(), what))
        else:
            self._dropped += 1

    def close(self, *, deadline: float = 5.0) -> None:
        """Write what waits, *deadline* seconds at most; ``stuck`` tells whether that failed."""
        self._queue.put(None)
        self._thread.join(deadline)
        self.stuck = self._thread.is_alive()

    def _write(self) -> None:
        """Write batch after batch until the end is in one."""
        going = True
        while going:
            batch = self._next_batch()
            going = not batch or batch[-1] is not None
            now = time.time() if going else float("inf")
            entries = [entry for entry in batch if entry is not None and self._admits(entry)]
            entries += [Entry(time.time(), line) for line in self._thinning.close(now)]
            self._put_out(self._texts(entries))

    def _next_batch(self) -> list[Entry | None]:
        """Wait for lines; no longer than a window when rejections are being counted."""
        batch: list[Entry | None] = []
        take = self._queue.get_nowait
        try:
            batch.append(self._queue.get(timeout=WINDOW if len(self._thinning) else None))
            if batch[-1] is not None:
                time.sleep(GATHER)
            while len(batch) < BATCH and batch[-1] is not None:
                batch.append(take())
        except queue.Empty:
            pass  # that was all
        return batch

    def _admits(self, entry: Entry) -> bool:
        what = entry.what
        return not isinstance(what, IngestRejected) or self._thinning.admits(what, entry.at)

    def _texts(self, entries: Sequence[Entry]) -> list[bytes]:
        """Spell those that are to be shown; masked, if there may be anything to mask."""
        texts = [self._text(entry, self._style.bare) for entry in entries]
        if suspect(b"".join(texts), self._secrets):
            texts = [self._text(entry, self._style.masked) for entry in entries]
        return [text for text in texts if text]

    def _text(self, entry: Entry, render: Renderer) -> bytes:
        """Spell an entry; empty when it is not to be shown."""
        what = entry.what
        try:
            line = what if isinstance(what, Line) else line_of(what)
            return render(line, entry.at) + b"\n" if line.level >= self._level else b""
        except Exception as error:  # noqa: BLE001  (the thread must outlive a line it cannot spell)
            words = f"🐞 A line could not be written: {type(what).__name__}, {type(error).__name__}"
            return render(Line(logging.ERROR, words, {}), entry.at) + b"\n"

    def _put_out(self, texts: list[bytes]) -> None:
        """Write to the stream; what it does not take is counted and told when it takes again."""
        dropped, self._dropped = self._dropped, 0
        lost = dropped + len(texts)
        if dropped:
            words = f"🕳️ {dropped} log lines were dropped"
            line = Line(logging.WARNING, words, {"dropped": dropped})
            texts = [*texts, *self._texts([Entry(time.time(), line)])]
        try:
            self._print(b"".join(texts).decode(*ENCODING))
        except (OSError, ValueError):  # a full disk, a broken pipe; a closed stream
            self._dropped += lost

    def _print(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding or "ascii"
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()


class _Bridge(logging.Handler):
    """Takes what libraries log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self._words = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record, its traceback included; whoever logs must not fail because of it."""
        try:
            words = self._words.format(record)
        except Exception:  # noqa: BLE001  (a message whose arguments do not fit it)
            words = str(record.msg)
        self._log.put(Line(record.levelno, words, {"logger": record.name}))
