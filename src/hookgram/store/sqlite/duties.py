"""What only one may do at a time (see ``ports.Duties``): each function within one transaction."""

from __future__ import annotations

from hookgram.core.model import Duty, Micros
from hookgram.store.sqlite.transaction import Transaction


def take(tx: Transaction, name: str, holder: str, lease: Micros) -> Duty | None:
    """Take the duty, if nobody has it at this moment."""
    values = {"name": name, "holder": holder, "until": tx.now + lease, "now": tx.now}
    row = tx.row("take_duty", values)
    return Duty(name=name, token=row[0]) if row else None


def renew(tx: Transaction, duty: Duty, lease: Micros) -> bool:
    """Hold the duty for *lease* from now, if it is still ours."""
    values = {"name": duty.name, "token": duty.token, "until": tx.now + lease, "now": tx.now}
    return tx.write("renew_duty", values) > 0


def leave(tx: Transaction, duty: Duty) -> None:
    """Have the duty free at once, if it is still ours."""
    tx.write("leave_duty", {"name": duty.name, "token": duty.token, "now": tx.now})


def lapse(tx: Transaction) -> None:
    """End every duty now."""
    tx.write("lapse_duties", {"now": tx.now})


def give_back(tx: Transaction, duty: Duty | None) -> None:
    """Leave what a caller took that did not wait for it."""
    if duty is not None:
        leave(tx, duty)
