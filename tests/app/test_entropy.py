"""Random bytes drawn in advance are given once."""

from __future__ import annotations

from hookgram.app.entropy import DRAWN, Entropy


def test_no_bytes_are_given_twice():
    entropy = Entropy()
    given = [entropy(10) for _ in range(3 * DRAWN // 10)]
    assert {len(one) for one in given} == {10}
    assert len(set(given)) == len(given)
