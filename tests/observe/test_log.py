"""The log takes facts without waiting, survives its stream, and shows no secret."""

from __future__ import annotations

import io
import json
import logging
import threading
import warnings

import pytest

from hookgram.core.facts import (
    DuplicateSeen,
    EventsForgotten,
    IngestRejected,
    StoreRecovered,
    TaskFailed,
)
from hookgram.observe import log as log_module
from hookgram.observe.lines import Line
from hookgram.observe.log import Log

SECRET = 'CANARY "ä\\1'
TOKEN = "123456:CANARY-CANARY-CANARY-CANARY"


def fail(words):
    raise OSError(words)


def written(*whats, style="json", level="info", secrets=(SECRET,), stream=None):
    stream = stream or io.StringIO()
    with Log(stream, style, level, secrets) as log:
        for what in whats:
            log(what)
    return stream.getvalue()


def test_json_holds_the_very_line_that_people_read():
    fact = EventsForgotten(events=2, dead=1)
    [line] = written(fact).splitlines()
    fields = json.loads(line)
    assert fields["message"] == "🧹 Forgot 2 events and 1 dead letters"
    assert fields["message"] in line
    assert fields["message"] in written(fact, style="pretty")
    assert (fields["level"], fields["events"], fields["ts"][-1]) == ("info", 2, "Z")


def test_pretty_is_for_terminals_and_json_for_machines():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    assert written(StoreRecovered(), style="auto").startswith("{")
    assert not written(StoreRecovered(), style="auto", stream=Terminal()).startswith("{")


def test_only_lines_of_the_level_are_written():
    seen = DuplicateSeen(bot_id=1, update_id=1, kind="message")
    assert written(seen) == ""
    assert "stored before" in written(seen, level="debug")
    assert written(StoreRecovered(), level="warning") == ""


@pytest.mark.parametrize("style", ["json", "pretty"])
def test_no_line_shows_a_secret_and_json_stays_json(style):
    trouble = f'Cannot reach "https://u:CANARY@h.example/CANARY", key {SECRET} {SECRET!r} {TOKEN}'
    text = written(TaskFailed(where="test", error=trouble), style=style)
    assert "CANARY" not in text
    assert "h.example" in text
    if style == "json":
        json.loads(text)


def test_a_secret_among_many_lines_is_masked_and_the_others_stay_as_they_are():
    plain = [DuplicateSeen(bot_id=1, update_id=n, kind="message") for n in range(100)]
    secret = TaskFailed(where="test", error=f"key {SECRET}, and {TOKEN}")
    text = written(*plain[:50], secret, *plain[50:], level="debug")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line.get("update_id") for line in lines] == [*range(50), None, *range(50, 100)]
    assert "CANARY" not in text


def test_what_libraries_log_goes_the_same_way_tracebacks_and_warnings_included():
    stream = io.StringIO()
    with Log(stream, "json", "info", [SECRET]):
        try:
            fail(f"GET /bot{TOKEN}/getMe {SECRET}")
        except OSError:
            logging.getLogger("asyncio").exception("it failed with %s", SECRET)
        logging.getLogger("uvicorn.error").warning("%d", "no number")
        logging.getLogger("quiet").info("not shown")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"careful {SECRET}", UserWarning, stacklevel=1)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["logger"] for line in lines] == ["asyncio", "uvicorn.error", "py.warnings"]
    assert "Traceback" in lines[0]["message"]
    assert "CANARY" not in stream.getvalue()


def test_the_root_logger_is_left_as_it_was():
    before = logging.getLogger().handlers[:], logging.getLogger().level
    written(StoreRecovered())
    assert (logging.getLogger().handlers, logging.getLogger().level) == before


def test_a_forged_line_or_a_terminal_command_in_a_fact_is_shown_as_text():
    forged = DuplicateSeen(bot_id=1, update_id=1, kind="x\r\n✅ Sent event 9\x1b[2J\x9b1m")
    text = written(forged, style="pretty", level="debug")
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert not any(line.startswith("✅") for line in text.splitlines())


def test_rejections_are_one_line_a_reason_and_a_count():
    wrong = IngestRejected(bot="default", status=403, reason="wrong secret")
    large = IngestRejected(bot="default", status=413, reason="too large")
    lines = [json.loads(line) for line in written(*[wrong] * 50, large).splitlines()]
    assert [(line["status"], line.get("count")) for line in lines] == [
        (403, None),
        (413, None),
        (403, 49),
    ]


class Stubborn(io.StringIO):
    """Takes nothing while ``full``; tells when it refused."""

    def __init__(self):
        super().__init__()
        self.full = True
        self.refused = threading.Event()

    def write(self, text):
        if self.full:
            self.refused.set()
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_does_not_end_the_log_and_what_was_lost_is_counted():
    stream = Stubborn()
    with Log(stream, "json", "info", []) as log:
        log(StoreRecovered())
        assert stream.refused.wait(5)
        stream.full = False
        log(StoreRecovered())
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[0]["message"] == "💾 The store commits again"
    assert lines[-1]["dropped"] == 1


def test_a_stream_that_knows_no_emoji_gets_the_rest():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    with Log(stream, "pretty", "info", []) as log:
        log(StoreRecovered())
        log(TaskFailed(where="lone \ud800 surrogate", error="x"))
    text = stream.buffer.getvalue().decode("latin-1")
    assert "The store commits again" in text
    assert "surrogate" in text


def test_a_line_that_cannot_be_spelled_does_not_end_the_log(monkeypatch):
    class Evil:
        def __str__(self):
            raise RuntimeError(SECRET)

    stream = io.StringIO()
    with Log(stream, "json", "info", [SECRET]) as log:
        log.put(Line(logging.INFO, "evil", {"value": Evil()}))
        log(StoreRecovered())
    first, second = stream.getvalue().splitlines()
    assert "could not be written" in first
    assert "commits again" in second
    assert "CANARY" not in first


class Held(io.StringIO):
    """Holds up whoever writes until ``go``."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()
        self.writing = threading.Event()

    def write(self, text):
        self.writing.set()
        assert self.go.wait(10)
        return super().write(text)


def test_a_slow_stream_holds_up_nobody_and_what_did_not_fit_is_counted(monkeypatch):
    monkeypatch.setattr(log_module, "CAPACITY", 5)
    stream = Held()
    with Log(stream, "json", "info", []) as log:
        log(StoreRecovered())
        assert stream.writing.wait(5)
        for _ in range(12):
            log(StoreRecovered())
        stream.go.set()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert sum("commits" in line["message"] for line in lines) == 6
    assert sum(line.get("dropped", 0) for line in lines) == 7


def test_closing_does_not_wait_longer_than_it_may():
    stream = Held()
    with Log(stream, "json", "info", []) as log:
        log(StoreRecovered())
        assert stream.writing.wait(5)
        log.close(deadline=0.01)
        assert log.stuck
        stream.go.set()
    assert not log.stuck
