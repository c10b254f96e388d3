"""The log: lines are put in a bounded queue and written by a thread of their own.

Writing never holds up the event loop; when the thread is too slow, lines are dropped and counted.
Everything that is printed passes one mask, what libraries log included.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self, TextIO

import structlog
from msgspec import Struct

from hookgram.core.facts import Fact, IngestRejected
from hookgram.core.redact import mask
from hookgram.observe.lines import Line, line_of

CAPACITY = 10_000
REJECTIONS_PER_SECOND = 1


class Entry(Struct, frozen=True):
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
        self._secrets = tuple(secrets)
        self._queue: queue.Queue[Entry | None] = queue.Queue(CAPACITY)
        self._dropped = 0
        self._rejected_at = 0.0
        self._render = _renderer(style, stream)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._bridge = _Bridge(self)
        root = logging.getLogger()
        self._before = (root.handlers[:], root.level)
        root.handlers[:] = [self._bridge]
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
        if isinstance(fact, IngestRejected):
            now = time.monotonic()
            if now - self._rejected_at < 1 / REJECTIONS_PER_SECOND:
                return
            self._rejected_at = now
        self.put(fact)

    def put(self, what: Fact | Line) -> None:
        """Queue a line; count it as dropped when the queue is full."""
        try:
            self._queue.put_nowait(Entry(time.time(), what))
        except queue.Full:
            self._dropped += 1

    def close(self, *, deadline: float = 5.0) -> None:
        """Write what waits, *deadline* seconds at most."""
        try:
            self._queue.put(None, timeout=deadline)
        except queue.Full:
            return
        self._thread.join(deadline)

    def _write(self) -> None:
        """Write line after line, flushing when nothing waits."""
        while (entry := self._queue.get()) is not None:
            self._print(entry)
            if self._queue.empty():
                self._report_dropped()
                self._stream.flush()
        self._stream.flush()

    def _print(self, entry: Entry) -> None:
        line = entry.what if isinstance(entry.what, Line) else line_of(entry.what)
        if line.level >= self._level:
            text = self._render(line, entry.at)
            print(mask(text, self._secrets), file=self._stream)

    def _report_dropped(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            line = Line(
                logging.WARNING, f"🕳️ {dropped} log lines were dropped", {"dropped": dropped}
            )
            self._print(Entry(time.time(), line))


class _Bridge(logging.Handler):
    """Takes what libraries log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self._words = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record, its traceback included."""
        self._log.put(Line(record.levelno, self._words.format(record), {"logger": record.name}))


def _renderer(style: str, stream: TextIO) -> Any:
    terminal = stream.isatty()
    if style == "pretty" or (style == "auto" and terminal):
        return _Pretty(colors=terminal)
    return _json


def _json(line: Line, at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    fields = {
        "ts": moment.replace("+00:00", "Z"),
        "level": logging.getLevelName(line.level).lower(),
        "message": line.message,
    }
    return json.dumps({**line.fields, **fields}, ensure_ascii=False, default=str)


class _Pretty:
    """Lines for people, in structlog's colours on a terminal."""

    def __init__(self, *, colors: bool) -> None:
        self._console = structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0)

    def __call__(self, line: Line, at: float) -> str:
        moment = datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
        level = logging.getLevelName(line.level).lower()
        return str(
            self._console(None, level, {"timestamp": moment, "level": level, "event": line.message})
        )
