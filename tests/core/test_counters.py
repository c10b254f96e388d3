"""What is counted: a closed list with meanings, and figures that come from nothing else."""

from __future__ import annotations

from hookgram.core.counters import ENDED, FIGURES, MEANINGS, Counter, figures
from hookgram.core.model import State


def test_each_counter_has_its_meaning_once():
    assert [meaning.counter for meaning in MEANINGS] == list(Counter)


def test_each_state_that_ends_a_delivery_has_its_counter():
    assert set(ENDED) == {state for state in State if state >= State.DELIVERED}


def test_the_figures_of_nothing_are_noughts():
    assert figures({}) == {figure.name: 0 for figure in FIGURES}


def test_figures_sum_over_targets():
    counts = {
        ("a", "created"): 10,
        ("b", "created"): 5,
        ("a", "delivered"): 4,
        ("b", "dead"): 3,
        ("a", "cancelled"): 1,
        ("b", "purged"): 2,
        ("", "accepted"): 9,
        ("", "refused.not_authorized"): 7,
    }
    assert figures(counts) == {
        "queued": 7,
        "dead": 1,
        "refused": 7,
        "accepted": 9,
        "delivered": 4,
    }
