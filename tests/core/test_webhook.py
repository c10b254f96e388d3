"""What a webhook is compared with, and what Telegram's complaints mean."""

from __future__ import annotations

import pytest

from hookgram.core.complaints import CAUSES, UNKNOWN, explain
from hookgram.core.definition import Definition, Filter, Origin
from hookgram.core.kinds import KINDS
from hookgram.core.model import HOUR
from hookgram.core.retry import RetryPolicy
from hookgram.core.webhook import (
    Webhook,
    Wish,
    differences,
    join_url,
    missing_kinds,
    shown,
    url_problem,
    wanted_kinds,
)

PATH = "/telegram/webhook"
URL = f"https://gateway.example.com{PATH}"
WISH = Wish(url=URL, secret="s3cret")
RIGHT = Webhook(url=URL, connections=40, allowed=tuple(KINDS))


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.message)
def test_each_cause_is_found_by_its_own_message(cause):
    assert explain(f"{cause.message} and more") is cause


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ("Wrong response from the webhook: 403 Forbidden", "TELEGRAM_SECRET_TOKEN"),
        ("Wrong response from the webhook: 301 Moved Permanently", "redirect"),
        ("Wrong response from the webhook: 500 Internal Server Error", "failed"),
        ("Wrong response from the webhook: 418 I'm a teapot", "does not say 200"),
        ("SSL error {error:0A000086:SSL routines::certificate verify failed}", "certificate"),
    ],
)
def test_a_complaint_is_told_in_plain_words(message, word):
    assert word in explain(message).means


def test_a_complaint_nobody_knows_is_said_to_be_unknown():
    assert explain("Something new") is UNKNOWN


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://gateway.example.com:8443/x",
        "https://user:pass@g.example.com/x?y=1",
        "https://8.8.8.8/x",
    ],
)
def test_urls_telegram_would_post_to(url):
    assert url_problem(url) is None


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://gateway.example.com/x", "https://"),
        ("gateway.example.com", "https://"),
        ("https://gateway.example.com:8000/x", "port 8000"),
        ("https://gateway.example.com:99999/x", "no URL"),
        ("https://localhost/x", "host"),
        ("https:///x", "host"),
        ("https://127.0.0.1/x", "loopback"),
        ("https://10.1.2.3/x", "private"),
        ("https://[2001:470::1]/x", "IPv6"),
        ("https://g.example.com/a b", "space"),
        ("https://g.example.com/a#b", "fragment"),
    ],
)
def test_urls_telegram_would_never_post_to(url, word):
    assert word in (url_problem(url) or "")


def test_a_bare_address_gets_the_gateways_path_and_another_path_stays():
    assert join_url("https://g.example.com", PATH) == f"https://g.example.com{PATH}"
    assert join_url("https://g.example.com/", PATH) == f"https://g.example.com{PATH}"
    assert join_url("https://g.example.com/mine", PATH) == "https://g.example.com/mine"


def test_only_our_own_path_is_shown_and_never_a_credential():
    assert shown(f"https://u:CANARY@g.example.com:8443{PATH}", PATH) == (
        f"https://g.example.com:8443{PATH}"
    )
    assert shown("https://n8n.example/webhook/CANARY", PATH) == "https://n8n.example/…"
    assert "CANARY" not in shown(f"{URL}?key=CANARY", PATH)


def test_what_is_right_needs_no_change():
    assert differences(RIGHT, WISH, PATH) == []


@pytest.mark.parametrize(
    ("webhook", "words"),
    [
        (Webhook(url=""), ["address: not set →", "kinds that were not sent"]),
        (
            Webhook(url="https://n8n.example/CANARY", allowed=tuple(KINDS)),
            ["https://n8n.example/…"],
        ),
        (Webhook(url=URL, connections=5, allowed=tuple(KINDS)), ["5 → 40"]),
        (Webhook(url=URL, connections=40), ["chat_member, message_reaction"]),
        (Webhook(url=URL, allowed=("message",)), ["edited_message"]),
        (Webhook(url=URL, allowed=(*KINDS, "new_kind")), ["no longer be sent: new_kind"]),
        (Webhook(url=URL, allowed=tuple(KINDS), certificate=True), ["certificate"]),
    ],
)
def test_each_difference_is_told(webhook, words):
    told = differences(webhook, WISH, PATH)
    assert told
    assert all(word in "; ".join(told) for word in words), told
    assert "CANARY" not in str(told)


def test_telegrams_default_leaves_out_what_must_be_asked_for():
    assert missing_kinds(None) == ("chat_member", "message_reaction", "message_reaction_count")
    assert missing_kinds(tuple(KINDS)) == ()


def want(kinds=None, bots=None):
    wanted = None if kinds is None else Filter(kinds=frozenset(kinds))
    policy = RetryPolicy.doubling(base=1, retries=1, max_age=HOUR)
    urls = ("https://t.example",)
    return Definition(
        name="t", urls=urls, origin=Origin.FILE, retry=policy, filter=wanted, bots=bots
    )


@pytest.mark.parametrize(
    ("definitions", "kinds"),
    [
        ([], tuple(KINDS)),
        ([want()], tuple(KINDS)),
        ([want({"poll"}), want()], tuple(KINDS)),
        ([want({"poll"}), want({"message", "poll"})], ("message", "poll")),
        ([want({"poll"}), want(bots=frozenset({2}))], ("poll",)),
        ([want({"poll", "z_new", "a_new"})], ("poll", "a_new", "z_new")),
        ([want({"poll"}, bots=frozenset({2}))], tuple(KINDS)),
    ],
)
def test_telegram_is_asked_for_the_kinds_that_the_bots_targets_want(definitions, kinds):
    assert wanted_kinds(definitions, bot_id=1) == kinds


def test_only_wanted_kinds_are_missed():
    assert missing_kinds(None, ("message", "chat_member")) == ("chat_member",)
    assert missing_kinds(("poll",), ("message", "poll")) == ("message",)
