"""What a log may show of a text that holds secrets."""

from __future__ import annotations

import json

import pytest

from hookgram.core.redact import MASK, mask, safe_url

TOKEN = "123456789:AAF0abcdefghijklmnopqrstuvwxyz12345"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"token {TOKEN}.", "token 123456789:***."),
        (f"GET /bot{TOKEN}/getMe", "GET /bot123456789:***/getMe"),
        (f"GET /bot{TOKEN.replace(':', '%3A')}/getMe", "GET /bot123456789:***/getMe"),
        (f"bot{TOKEN.replace(':', '%3a')}", "bot123456789:***"),
        ("key whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "key whsec_***"),
        ("https://user:pw@h.example:8443/hook/abc?k=v", "https://h.example:8443/…"),
        ("https://user:p@ss@h.example/hook", "https://h.example/…"),
        ("HTTPS://user:pw@h.example/hook", "HTTPS://h.example/…"),
        ("postgresql://me:pw@db:5432/hook", "postgresql://db:5432/…"),
        ("postgresql://me:pw@db:5432,b:1/hook", "postgresql://db:5432,b:1/…"),
        ("see https://h.example", "see https://h.example"),
        ("see 'https://h.example/a', yes", "see 'https://h.example/…', yes"),
        ("Authorization: Bearer abc", "Authorization: ***"),
        ("{'Authorization': 'token abc'}", "{'Authorization': '***'}"),
        ("(b'authorization', b'Basic abc')", "(b'authorization', b'***')"),
        ("sent Bearer abcdefgh1234", "sent Bearer ***"),
        ("sent BASIC abcdefgh1234", "sent BASIC ***"),
        ("AUTHORIZATION=abc", "AUTHORIZATION=***"),
        ("at 12:30:45 event 1 → target (200, 12 ms)", "at 12:30:45 event 1 → target (200, 12 ms)"),
    ],
)
def test_only_the_public_part_is_shown(text, shown):
    assert mask(text) == shown


@pytest.mark.parametrize(
    "spell", [str, repr, json.dumps, lambda s: json.dumps(s, ensure_ascii=False)]
)
def test_a_configured_secret_is_masked_however_it_is_spelled(spell):
    secret = 'pä"ss\\word\n2'
    assert mask(f"before {spell(secret)} after", [secret]).replace('"', "").replace("'", "") == (
        f"before {MASK} after"
    )


def test_a_secret_that_begins_with_another_leaves_no_end_behind():
    assert mask("canary-long", ["canary", "canary-long"]) == MASK


def test_a_secret_too_short_to_be_found_leaves_the_text_alone():
    assert mask("a banana", ["a"]) == "a banana"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pw@H.example:8443/hook?k=v", "https://h.example:8443/…"),
        ("http://h.example/", "http://h.example"),
        ("http://h.example?k=v", "http://h.example/…"),
        ("http://[::1]:80/x", "http://[::1]:80/…"),
        ("http://h.example:port/x", "?"),
    ],
)
def test_a_url_is_shown_by_its_scheme_and_host(url, shown):
    assert safe_url(url) == shown
