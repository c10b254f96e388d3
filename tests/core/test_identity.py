"""Names are made of what they name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hookgram.core.identity import ENTROPY, ulid

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(st.integers(0, 2**48 - 1), st.binary(min_size=ENTROPY, max_size=ENTROPY))
def test_a_ulid_is_its_moment_and_five_bits_of_each_random_byte_in_base_32(at_ms, entropy):
    digits = [CROCKFORD.index(character) for character in ulid(at_ms, entropy)]
    assert len(digits) == 26
    moment = 0
    for digit in digits[:10]:
        moment = moment * 32 + digit
    assert moment == at_ms
    assert digits[10:] == [byte % 32 for byte in entropy]
