"""Random bytes drawn in advance are given once."""

from __future__ import annotations

from hookgram.app.entropy import DRAWN, Entropy
from hookgram.core.identity import ENTROPY


def test_no_bytes_are_given_twice():
    entropy = Entropy()
    given = [entropy(ENTROPY) for _ in range(3 * DRAWN // ENTROPY)]
    assert {len(one) for one in given} == {ENTROPY}
    assert len(set(given)) == len(given)
