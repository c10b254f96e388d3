from __future__ import annotations

import pytest

from hookgram.core.access import Access

STRANGER, FRIEND, GROUP = 666, 42, -1001234567890
PRIVATE = Access(authorised=frozenset({FRIEND, GROUP}))


@pytest.mark.parametrize("chat_id", [STRANGER, FRIEND, None])
def test_a_public_gateway_admits_everybody(chat_id: int | None) -> None:
    assert Access(public=True).admits(chat_id, STRANGER)


@pytest.mark.parametrize("chat_id", [FRIEND, GROUP])
def test_an_authorised_chat_is_admitted_whoever_speaks_in_it(chat_id: int) -> None:
    assert PRIVATE.admits(chat_id, STRANGER)


def test_an_authorised_user_does_not_open_a_foreign_chat() -> None:
    assert not PRIVATE.admits(-100999, FRIEND)


def test_where_there_is_no_chat_the_user_decides() -> None:
    assert PRIVATE.admits(None, FRIEND)
    assert not PRIVATE.admits(None, STRANGER)


def test_an_update_of_neither_chat_nor_user_is_admitted() -> None:
    assert Access().admits(None, None)


def test_nobody_is_admitted_when_nobody_is_authorised() -> None:
    assert not Access().admits(FRIEND, FRIEND)


def test_a_chat_numbered_zero_is_a_chat() -> None:
    assert not PRIVATE.admits(0, FRIEND)
