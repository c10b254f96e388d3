"""Orders that share a transaction: whose failure is whose, and what is written at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import apsw
import pytest

from hookgram.core.counters import Counter
from hookgram.errors import NotFound, StoreBroken, StoreUnavailable
from hookgram.store.sqlite.batch import Batches
from hookgram.store.sqlite.call import ALONE, TOGETHER, Failure, Order
from hookgram.store.sqlite.connection import Opening, open_writer
from hookgram.store.sqlite.transaction import Transaction


class File:
    """A file and the batches that are run on it."""

    def __init__(self, path: Path) -> None:
        self.db = open_writer(Opening(path=path, busy_timeout=0))
        self.batches = Batches(self.db, "shard")

    def run(self, *orders: Order) -> list[list[Any]]:
        results = self.batches.run(orders, 1)
        assert not self.db.in_transaction
        return results

    @property
    def counted(self) -> int:
        return sum(value for (value,) in self.db.execute("SELECT value FROM counter"))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    opened = File(tmp_path / "events.db")
    yield opened
    opened.db.close()


def count(tx: Transaction, items: Sequence[int]) -> list[int]:
    """Count each item; one that is 13 is a mistake of its caller's."""
    for item in items:
        tx.count(Counter.DUPLICATE)
        if item == 13:
            raise ValueError("13")
    return [item * 10 for item in items]


def count_one(tx: Transaction) -> str:
    tx.count(Counter.DUPLICATE)
    return "one"


def raising(error: Exception) -> Order:
    def work(_: Transaction) -> NoReturn:
        raise error

    return ALONE, work, [None]


def errors(results: Sequence[Sequence[Any]]) -> list[type | None]:
    flat = [one for some in results for one in some]
    return [type(one.error) if isinstance(one, Failure) else None for one in flat]


def test_each_order_has_a_result_for_each_of_its_items(file: File) -> None:
    assert file.run((TOGETHER, count, [1, 2]), (ALONE, count_one, [None])) == [[10, 20], ["one"]]
    assert file.counted == 3


def test_one_that_fails_takes_back_only_its_own(file: File) -> None:
    results = file.run((TOGETHER, count, [1, 13, 2]), (ALONE, count_one, [None]))
    assert errors(results) == [None, ValueError, None, None]
    assert [results[0][0], results[0][2], results[1]] == [10, 20, ["one"]]
    assert file.counted == 3


@pytest.mark.parametrize("missing", [1, 2])
def test_work_that_forgets_an_item_writes_nothing_of_it(file: File, missing: int) -> None:
    def forgetful(tx: Transaction, items: Sequence[int]) -> list[int]:
        return count(tx, items)[missing:]

    results = file.run((TOGETHER, forgetful, [1, 2]), (ALONE, count_one, [None]))
    assert errors(results) == [ValueError, ValueError, None]
    assert file.counted == 1


def test_an_exception_that_is_a_value_is_no_failure(file: File) -> None:
    def told(tx: Transaction) -> NotFound:
        count_one(tx)
        return NotFound("a value")

    for others in ([], [raising(ValueError("mine"))]):
        [[value], *_] = file.run((ALONE, told, [None]), *others)
        assert isinstance(value, NotFound)
    assert file.counted == 2


def test_whoever_was_not_to_blame_is_told_so_with_an_error_of_his_own(file: File) -> None:
    with closing(apsw.Connection(file.db.filename)) as other:
        other.execute("BEGIN IMMEDIATE")
        [first, second] = file.run((TOGETHER, count, [1, 2]), (ALONE, count_one, [None]))
        other.execute("ROLLBACK")
    assert errors([first, second]) == [StoreUnavailable] * 3
    assert len({id(one.error) for one in [*first, *second]}) == 3


def test_a_commit_that_fails_leaves_each_its_own_error(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file.batches, "_commit", raise_(apsw.FullError("full")))
    results = file.run((TOGETHER, count, [1, 13]), (ALONE, count_one, [None]))
    assert errors(results) == [StoreUnavailable, ValueError, StoreUnavailable]
    assert file.counted == 0


def raise_(error: Exception) -> Any:
    def raising(*_: Any) -> NoReturn:
        raise error

    return raising


@pytest.mark.parametrize("others", [[], [raising(ValueError("mine"))]], ids=["together", "apart"])
def test_what_lasts_is_everybodys_and_tried_only_once(file: File, others: list[Order]) -> None:
    tries: list[int] = []

    def broken(_: Transaction) -> NoReturn:
        tries.append(1)
        raise apsw.IOError("disk")

    with pytest.raises(StoreBroken):
        file.run(*others, (ALONE, broken, [None]))
    assert len(tries) == 1
    assert not file.db.in_transaction
    assert file.counted == 0


def test_a_transaction_that_is_lost_as_a_whole_is_run_again_one_by_one(file: File) -> None:
    def losing(tx: Transaction, items: Sequence[int]) -> list[int]:
        if 7 in items:
            file.db.execute("ROLLBACK")
            raise apsw.FullError("full")
        return count(tx, items)

    results = file.run((TOGETHER, losing, [1, 7, 2, 7]), (ALONE, count_one, [None]))
    assert errors(results) == [None, StoreUnavailable, None, StoreUnavailable, None]
    assert file.counted == 3
