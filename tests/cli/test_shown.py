"""What people read of an attempt, whoever answered in it."""

from __future__ import annotations

import msgspec
import pytest

from hookgram.cli import document, shown
from hookgram.core.model import Attempt, AttemptRow
from hookgram.core.replying import Ended, Ending
from hookgram.telegram.replies import kept

ANSWERED = Attempt(number=1, started_at=5, took=7, status=200, excerpt='{"method":"sendMessage"}')


def row_of(attempt: Attempt) -> AttemptRow:
    return AttemptRow(delivery_id=9, **msgspec.structs.asdict(attempt))


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (
            Ended(ending=Ending.EXECUTED, method="sendMessage", status=200),
            "telegram  sendMessage executed  200",
        ),
        (
            Ended(ending=Ending.REFUSED, method="sendMessage", status=403, error="Forbidden"),
            "telegram  sendMessage refused  403  Forbidden",
        ),
        (
            Ended(ending=Ending.UNKNOWN, method="sendMessage", error="no answer came"),
            "telegram  sendMessage unknown  no answer came",
        ),
        (
            Ended(ending=Ending.UNREADABLE, error="longer than 1 MiB"),
            "telegram  unreadable  longer than 1 MiB",
        ),
    ],
)
def test_a_reply_is_shown_below_the_answer_it_came_in(ended, told):
    attempt = row_of(kept(ANSWERED, ended))
    head, below = shown.attempt(attempt)
    assert head.endswith('200  {"method":"sendMessage"}')
    assert below.strip() == told
    [member] = document.attempt(attempt)["members"]
    assert (member["ending"], member["method"]) == (ended.ending, ended.method)


def test_each_member_of_a_group_is_shown():
    members = [
        {"name": "host-1", "status": 500, "error": None, "excerpt": "no", "took": 1},
        {"name": "host-2", "status": None, "error": "timeout: 10 s", "excerpt": None, "took": 2},
    ]
    text = msgspec.json.encode(members).decode()
    head, *below = shown.attempt(row_of(Attempt(number=2, started_at=5, took=7, members=text)))
    assert "no answer" not in head
    assert [line.strip() for line in below] == ["host-1  500  no", "host-2  timeout: 10 s"]
