"""Names are made of what they name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hookgram.core.identity import ulid

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=12))
def test_a_ulid_is_its_moment_and_its_entropy_in_base_32(at_ms, entropy):
    number = 0
    for character in ulid(at_ms, entropy):
        number = number * 32 + CROCKFORD.index(character)
    assert number == at_ms << 80 | int.from_bytes(entropy[:10], "big")
    assert len(ulid(at_ms, entropy)) == 26
