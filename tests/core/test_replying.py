"""What call is in an answer, and whether it is executed."""

from __future__ import annotations

import pytest

from hookgram.core.replying import (
    Call,
    Form,
    call_in,
    forbidden,
    form_fields,
    form_of,
    json_fields,
)


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/json", Form.JSON),
        ("Application/JSON; charset=utf-8", Form.JSON),
        ("application/x-www-form-urlencoded", Form.PAIRS),
        ("multipart/form-data; boundary=x", Form.PARTS),
        ("text/html", None),
        ("multipart/mixed; boundary=x", None),
        ("", None),
    ],
)
def test_a_reply_has_one_of_three_content_types(content_type, form):
    assert form_of(content_type) is form


@pytest.mark.parametrize(
    ("body", "call"),
    [
        (
            b'{"method":"sendMessage","chat_id":-5,"text":"x"}',
            Call(method="sendMessage", chat="-5"),
        ),
        (b'{"method":"sendMessage","chat_id":"@shop"}', Call(method="sendMessage", chat="@shop")),
        (b'{"method":"answerInlineQuery"}', Call(method="answerInlineQuery")),
        (b'{"method":"sendMessage","chat_id":true}', Call(method="sendMessage")),
        (b'{"method":"sendMessage","chat_id":[1]}', Call(method="sendMessage")),
        (b'{"method":""}', None),
        (b'{"method":"../getMe"}', None),
        (b'{"method":"sendMessage?x=1"}', None),
        (b'{"method":7}', None),
        (b'{"ok":true}', None),
        (b'["method"]', None),
        (b'{"method":', None),
        (b'{"method":"\xff"}', None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
)
def test_an_answer_in_json_makes_the_call_that_it_names(body, call):
    assert call_in(json_fields(body)) == call


def test_a_form_makes_the_call_that_it_names():
    call = call_in(form_fields(b"chat_id=5&text=a%26b&method=sendMessage"))
    assert call == Call(method="sendMessage", chat="5")
    assert call_in(form_fields(b"method=" + b"&a=1" * 2000)) is None


def test_what_telegram_does_not_execute_from_an_answer_we_do_not_either():
    never = ["setWebhook", "SETWEBHOOK", "deleteWebhook", "close", "logOut", "getMe", "GetUpdates"]
    for method in never:
        assert forbidden(Call(method=method))
    for method in ("sendMessage", "closeForumTopic", "answerCallbackQuery", "setMyCommands"):
        assert not forbidden(Call(method=method))
