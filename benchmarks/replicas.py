"""Replicas' stores at work by themselves, one or several processes at a time."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from benchmarks.children import Child, line
from benchmarks.processes.orders import Done, Order


class Replica(Child):
    """A store in a process of its own; or the bare statement in place of one."""

    def begin(self, order: Order) -> None:
        """Have it carry out an order."""
        assert self.process.stdin is not None  # noqa: S101  (a pipe, see Child)
        self.process.stdin.write(msgspec.json.encode(order) + b"\n")
        self.process.stdin.flush()

    def done(self) -> Done:
        """Wait for the end of the order."""
        return msgspec.json.decode(line(self.process.stdout), type=Done)


def together(replicas: Sequence[Replica], order: Order) -> list[Done]:
    """Share an order out, have all work at the same time, and tell how it went with each."""
    share = order.count // len(replicas)
    for place, replica in enumerate(replicas):
        replica.begin(Order(order.do, share, order.first + place * share))
    done = [replica.done() for replica in replicas]
    if any(one.spent.count != share for one in done):
        raise RuntimeError(f"not all of {order.count} were done")
    return done


def rate(done: Sequence[Done]) -> float:
    """Tell how many were done a second, from the first beginning to the last end."""
    seconds = max(one.ended for one in done) - min(one.began for one in done)
    return sum(one.spent.count for one in done) / seconds


def claimed(done: Sequence[Done]) -> float:
    """Tell how many a second all together claimed, while they were at it."""
    return sum(one.spent.count / sum(one.spent.claiming) for one in done)


def settled(done: Sequence[Done]) -> float:
    """Tell how many a second all together settled, while they were at it."""
    return sum(one.spent.count / sum(one.spent.settling) for one in done)
