"""The ledger closes on honest books, and each single lie in them is found and named."""

from __future__ import annotations

import hashlib
import sqlite3
from importlib.resources import files

import pytest

from hookgram.demo.ledger import Books, Row, audit, read_store

WAITING, PENDING, LEASED, DELIVERED, DEAD, CANCELLED = range(6)
UNEXPLAINED = "duplicates beyond what is explained"
BY_WORD = "delivered by word only"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Scribe:
    """Writes the books of an honest run; a test then changes one thing in them."""

    def __init__(self, *targets: str) -> None:
        self.sent: list[dict] = []
        self.received: dict[str, list[dict]] = {target: [] for target in targets}
        self.rows: list[Row] = []
        self.purged: dict[str, int] = {}
        self._posts = 0

    def note(self, what: str, number: int, update_id: int | None, **fields) -> None:
        self.sent.append({"what": what, "number": number, "update_id": update_id, **fields})

    def posted(self, update_id, *, lane="chat:7", content=None, kind="message") -> int:
        content = content or f"payload of {update_id}"
        self._posts += 1
        fields = {"kind": kind, "queue": lane, "raw_sha256": sha(content)}
        self.note("posted", self._posts, update_id, body_sha256=sha("body " + content), **fields)
        return self._posts

    def acked(self, update_id, **how) -> None:
        number = self.posted(update_id, **how)
        self.note("sent", number, update_id)
        self.note("acked", number, update_id)

    def got(self, target: str, update_id, *, status=200, content=None, **fields) -> None:
        content = content or f"payload of {update_id}"
        entry = {
            "id": f"evt_{update_id}",
            "update_id": update_id,
            "kind": "message",
            "raw_sha256": sha(content),
            "status": status,
            "signed": True,
            "replay_of": None,
        }
        self.received[target].append(entry | fields)

    def row(self, target, update_id, state=DELIVERED, *, content=None, event_id=None) -> None:
        content = content or f"payload of {update_id}"
        event_id = event_id or f"evt_{update_id}"
        self.rows.append(Row(target, update_id, event_id, state, None, sha("body " + content)))

    def delivered(self, update_id: int, *targets: str) -> None:
        for target in targets or self.received:
            self.got(target, update_id)
            self.row(target, update_id)

    def audit(self, **how):
        counters: dict[tuple[str, str], int] = {}
        names = {DELIVERED: "delivered", DEAD: "dead", CANCELLED: "cancelled"}
        for row in self.rows:
            for name in {"created", names.get(row.state, "created")}:
                counters[row.target, name] = counters.get((row.target, name), 0) + 1
        for target, count in self.purged.items():
            counters[target, "purged"] = count
            for name in ("created", "dead"):
                counters[target, name] = counters.get((target, name), 0) + count
        books = Books(sent=self.sent, received=self.received, rows=self.rows, counters=counters)
        return audit(books, **how)


def honest(*targets: str, updates: int = 3) -> Scribe:
    scribe = Scribe(*(targets or ("a", "b")))
    for update_id in range(1, updates + 1):
        scribe.acked(update_id)
        scribe.delivered(update_id)
    return scribe


def found(verdict) -> dict[str, int]:
    return {kind: len(problems) for kind, problems in verdict.problems.items() if problems}


def test_honest_books_close():
    verdict = honest().audit()
    assert verdict.ok
    assert (verdict.acknowledged, verdict.delivered, verdict.duplicates) == (3, 6, 0)
    assert str(verdict) == (
        "the ledger closes: 3 acknowledged, 6 delivered, 0 dead, 0 duplicates, 0 lost"
    )


def test_an_acknowledged_update_without_a_trace_is_lost_at_each_target():
    scribe = honest()
    scribe.acked(4)
    verdict = scribe.audit()
    assert found(verdict) == {"lost": 2}
    assert "lost (2): a: update 4; b: update 4" in str(verdict)


def test_an_update_that_one_target_never_got_is_lost_there():
    scribe = honest()
    scribe.acked(4)
    scribe.delivered(4, "a")
    assert found(scribe.audit()) == {"lost": 1}


def test_bytes_that_are_no_update_can_be_lost_too():
    scribe = honest()
    scribe.acked(None, lane="alone:1", content="odd", kind="unparsed")
    assert found(scribe.audit()) == {"lost": 2}


def test_failures_and_requests_nobody_answered_deliver_nothing():
    scribe = honest("a")
    scribe.acked(4)
    scribe.got("a", 4, status=500)
    scribe.got("a", 4, status=0)
    assert found(scribe.audit()) == {"lost": 1}


@pytest.mark.parametrize("state", [DEAD, CANCELLED])
def test_what_ended_otherwise_is_not_lost(state):
    scribe = honest("a")
    scribe.acked(4)
    scribe.row("a", 4, state)
    assert scribe.audit(may_be_dead=["a"]).ok


def test_an_update_that_was_given_up_need_not_arrive():
    scribe = honest()
    scribe.note("gave_up", scribe.posted(4), 4)
    assert scribe.audit().ok


def test_an_update_without_acknowledgement_reaches_all_targets_or_none():
    scribe = honest()
    scribe.note("gave_up", scribe.posted(4), 4)
    scribe.delivered(4, "a")
    assert found(scribe.audit()) == {"torn": 1}
    scribe.delivered(4, "b")
    assert scribe.audit().ok


def test_what_was_never_sent_is_invented():
    scribe = honest()
    scribe.got("a", 99)
    assert found(scribe.audit()) == {"invented": 1}


def test_a_stored_update_that_was_never_sent_is_invented():
    scribe = honest("a")
    scribe.row("a", 99, CANCELLED)
    assert found(scribe.audit()) == {"invented": 1}


def test_changed_bytes_are_invented():
    scribe = honest("a")
    scribe.got("a", 3, content="something else", id="evt_x", status=500)
    assert found(scribe.audit()) == {"invented": 1}


def test_what_is_not_signed_by_us_is_invented():
    scribe = honest("a")
    scribe.received["a"][0]["signed"] = False
    assert found(scribe.audit()) == {"invented": 1}


def test_one_update_under_two_ids_is_unstable():
    scribe = honest("a")
    scribe.got("a", 3, id="evt_other", status=500)
    assert found(scribe.audit()) == {"unstable ids": 1}


def test_an_update_stored_twice_is_unstable():
    scribe = honest("a")
    scribe.row("a", 3, CANCELLED, event_id="evt_other")
    assert found(scribe.audit()) == {"unstable ids": 1}


def test_two_updates_under_one_id_are_unstable():
    scribe = Scribe("a")
    for update_id in (1, 2):
        scribe.acked(update_id)
        scribe.got("a", update_id, id="evt_same")
    assert found(scribe.audit()) == {"unstable ids": 1}


def test_the_same_number_with_other_content_is_another_update():
    scribe = honest("a")
    scribe.acked(3, content="a week later")
    scribe.got("a", 3, content="a week later", id="evt_later")
    scribe.row("a", 3, content="a week later", event_id="evt_later")
    verdict = scribe.audit()
    assert verdict.ok, str(verdict)
    assert verdict.acknowledged == 4


def overtaken() -> Scribe:
    scribe = Scribe("a")
    for update_id in (1, 2):
        scribe.acked(update_id)
    scribe.delivered(2)
    return scribe


def test_a_later_update_that_is_taken_first_is_out_of_order():
    scribe = overtaken()
    scribe.delivered(1)
    verdict = scribe.audit()
    assert found(verdict) == {"out of order": 1}
    assert "a: chat:7: 2 before 1" in str(verdict)


@pytest.mark.parametrize("state", [DEAD, CANCELLED])
def test_what_ended_otherwise_may_be_overtaken(state):
    scribe = overtaken()
    scribe.row("a", 1, state)
    scribe.got("a", 1, replay_of="1")
    assert scribe.audit(may_be_dead=["a"]).ok


def test_a_failed_attempt_is_no_delivery_in_the_order():
    scribe = Scribe("a")
    for update_id in (1, 2):
        scribe.acked(update_id)
    scribe.got("a", 2, status=500)
    scribe.delivered(1)
    scribe.delivered(2)
    assert scribe.audit().ok


def test_different_lanes_and_updates_without_a_lane_have_no_order():
    scribe = Scribe("a")
    for update_id, lane in ((1, "chat:1"), (2, "chat:2"), (3, "alone:3"), (4, "alone:4")):
        scribe.acked(update_id, lane=lane)
    for update_id in (4, 3, 2, 1):
        scribe.delivered(update_id)
    assert scribe.audit().ok


def test_updates_that_flew_together_have_no_order():
    scribe = Scribe("a")
    first, second = scribe.posted(1), scribe.posted(2)
    scribe.note("sent", first, 1)
    scribe.note("sent", second, 2)
    scribe.note("acked", second, 2)
    scribe.note("acked", first, 1)
    scribe.delivered(1)
    scribe.delivered(2)
    assert scribe.audit().ok
    scribe.acked(3)
    scribe.received["a"].insert(0, scribe.received["a"][0] | {"update_id": 3, "id": "evt_3"})
    scribe.received["a"][0]["raw_sha256"] = sha("payload of 3")
    scribe.row("a", 3)
    assert found(scribe.audit()) == {"out of order": 1}


def test_reordered_numbers_are_compared_as_they_were_acknowledged():
    scribe = Scribe("a")
    for update_id in (9, 4, 7):
        scribe.acked(update_id)
        scribe.delivered(update_id)
    assert scribe.audit().ok


def test_twins_are_one_update_that_came_when_the_first_was_acknowledged():
    scribe = honest("a", updates=2)
    scribe.acked(1)
    verdict = scribe.audit()
    assert verdict.ok, str(verdict)
    assert verdict.acknowledged == 2


def test_second_successes_are_counted_and_must_be_explained():
    scribe = honest()
    scribe.got("a", 3)
    scribe.got("a", 3)
    verdict = scribe.audit(duplicates_allowed=1)
    assert verdict.duplicates == 2
    assert found(verdict) == {UNEXPLAINED: 1}
    assert scribe.audit(duplicates_allowed=2).ok


def test_a_replay_is_no_duplicate():
    scribe = honest("a")
    scribe.got("a", 3, replay_of="7")
    verdict = scribe.audit()
    assert verdict.ok
    assert verdict.duplicates == 0


@pytest.mark.parametrize("state", [WAITING, PENDING, LEASED])
def test_unsettled_work_at_the_end_is_told(state):
    scribe = honest("a")
    scribe.note("gave_up", scribe.posted(4), 4)
    scribe.row("a", 4, state)
    assert found(scribe.audit()) == {"unsettled": 1}


def test_what_a_run_that_was_cut_still_owes_is_not_lost():
    scribe = honest("a")
    scribe.acked(4)
    scribe.row("a", 4, PENDING)
    verdict = scribe.audit(may_be_unsettled=True)
    assert verdict.ok
    assert "3 delivered, 0 dead, 1 still owed, 0 duplicates" in verdict.summary
    scribe.acked(5)
    assert found(scribe.audit(may_be_unsettled=True)) == {"lost": 1}


def test_a_refused_update_whose_dead_letter_was_purged_is_not_lost():
    scribe = honest("a")
    scribe.acked(4)
    scribe.got("a", 4, status=410)
    assert found(scribe.audit()) == {"lost": 1}
    scribe.purged["a"] = 1
    assert scribe.audit().ok
    scribe.acked(5)
    assert found(scribe.audit()) == {"lost": 1}


def test_dead_letters_must_be_expected():
    scribe = honest("a")
    scribe.acked(4)
    scribe.row("a", 4, DEAD)
    assert found(scribe.audit()) == {"dead": 1}
    assert found(scribe.audit(may_be_dead=["b"])) == {"dead": 1}
    assert scribe.audit(may_be_dead=["a"]).ok


def test_delivered_by_word_only_is_told():
    scribe = honest("a")
    scribe.note("gave_up", scribe.posted(4), 4)
    scribe.row("a", 4)
    assert found(scribe.audit()) == {BY_WORD: 1}


def test_counters_that_do_not_add_up_are_told():
    books = honest("a")
    wrong = {("a", "created"): 3, ("a", "delivered"): 2}
    verdict = audit(
        Books(sent=books.sent, received=books.received, rows=books.rows, counters=wrong)
    )
    assert found(verdict) == {"counted wrong": 1}
    assert "a: delivered is 2, rows say 3" in str(verdict)


def test_what_the_gateway_could_not_read_is_known_by_its_bytes():
    scribe = Scribe("a")
    scribe.acked(5, content="payload")
    scribe.got("a", None, content="body payload", kind="unparsed", id="evt_5")
    scribe.row("a", 5, content="payload")
    assert scribe.audit().ok


def test_many_problems_of_a_kind_show_three_examples():
    scribe = honest("a")
    for update_id in range(10, 20):
        scribe.acked(update_id)
    text = str(scribe.audit())
    assert text.startswith("THE LEDGER DOES NOT CLOSE: ")
    assert "lost (10): a: update 10; a: update 11; a: update 12" in text
    assert "update 13" not in text


SCHEMA = files("hookgram.store.sqlite") / "migrations" / "0001_initial.sql"


def test_a_stores_file_is_read_as_rows_and_counters(tmp_path):
    path = tmp_path / "events.db"
    db = sqlite3.connect(path)
    db.executescript(SCHEMA.read_text())
    db.execute(
        "INSERT INTO target (id, name, origin, definition, created_at)"
        " VALUES (1, 'a', 'env', '', 0)"
    )
    db.execute(
        "INSERT INTO event (event_id, bot_id, update_id, kind, received_at, targets, body)"
        " VALUES ('evt_1', 5, 7, 'message', 0, 1, x'7b7d')"
    )
    db.execute(
        "INSERT INTO delivery (event_seq, target_id, state, priority, due_at, reason, created_at)"
        " VALUES (1, 1, 4, 1, 0, 'gone', 0)"
    )
    db.executemany("INSERT INTO counter VALUES (1, ?, 'dead', 1)", [("x",), ("y",)])
    db.commit()
    db.close()
    rows, counters = read_store(path)
    assert rows == [Row("a", 7, "evt_1", DEAD, "gone", sha("{}"))]
    assert counters == {("a", "dead"): 2}
