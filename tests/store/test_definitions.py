"""What is written of a target's definition."""

from __future__ import annotations

import json

from hookgram.core.definition import Filter, Format
from hookgram.store.definitions import definition_text
from store.makers import definition


def test_nothing_private_of_a_definition_is_written_down():
    private = definition(
        "shop",
        urls=("https://user:CANARY@shop.example.com/CANARY",),
        secrets=("CANARY",),
        secret_token="CANARY",
        headers=(("Authorization", "Bearer CANARY"),),
        format=Format.UPDATE,
    )
    written = definition_text(private)
    assert "CANARY" not in written
    assert json.loads(written)["hosts"] == ["shop.example.com"]


def test_equal_definitions_are_written_equally():
    kinds = [f"kind_{n}" for n in range(50)]
    texts = {
        definition_text(
            definition("shop", bots=frozenset(bots), filter=Filter(kinds=frozenset(order)))
        )
        for order, bots in ((kinds, (1, 9, 2**40)), (reversed(kinds), (2**40, 9, 1)))
    }
    assert len(texts) == 1
