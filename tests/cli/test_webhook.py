"""``hookgram webhook`` against a Bot API server: it compares, asks, changes and explains."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time

import pytest

from hookgram.cli.main import main
from hookgram.core.kinds import KINDS
from hookgram.demo.bot_api import No, Raw

PATH = "/telegram/webhook"
NEW = f"https://gateway.example.com{PATH}"


@pytest.fixture
def bot(server):
    [bot] = server.bots.values()
    return bot


@pytest.fixture
def hookgram(settings, monkeypatch, capsys):
    """Run ``hookgram webhook``, with an answer to what it asks; returns code, words, errors."""

    async def run(*words, answer="", **variables):
        settings(**variables)
        monkeypatch.setattr(sys, "argv", ["hookgram", "webhook", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        code = await asyncio.to_thread(main)
        out, err = capsys.readouterr()
        assert "CANARY" not in out + err
        return code, out, err

    return run


def sets(server):
    return [given for method, given in server.calls if method == "setwebhook"]


# set


async def test_set_does_nothing_when_all_is_right(server, hookgram):
    code, out, _ = await hookgram("set")
    assert code == 0
    assert "Nothing to do" in out
    assert "--force" in out
    assert sets(server) == []


async def test_set_again_by_force_sends_the_secret(server, bot, hookgram):
    code, out, _ = await hookgram("set", "--force")
    assert code == 0
    assert out.splitlines()[-1] == f"Done: Telegram posts to https://localhost{PATH}."
    assert bot.secret == "CANARY-2"
    assert len(sets(server)) == 1


async def test_the_first_set_asks_nothing_and_wants_every_kind(bot, hookgram):
    bot.url, bot.allowed = "", None
    code, out, _ = await hookgram("set", "--url", "https://gateway.example.com")
    assert code == 0
    assert (bot.url, bot.connections, bot.secret) == (NEW, 40, "CANARY-2")
    assert bot.allowed == list(KINDS)
    assert f"address: not set → {NEW}" in out
    assert "kinds that were not sent: chat_member" in out


async def test_a_webhook_of_somebody_else_is_taken_only_after_asking(bot, hookgram):
    bot.url = "https://n8n.example/webhook/CANARY"
    code, out, _ = await hookgram("set", answer="n\n")
    assert code == 1
    assert "https://n8n.example/… will get no more updates" in out
    assert bot.url.startswith("https://n8n")
    code, _, _ = await hookgram("set", answer="y\n")
    assert (code, bot.url) == (0, f"https://localhost{PATH}")


async def test_without_anybody_to_answer_nothing_is_taken_but_by_yes(bot, hookgram):
    bot.url = "https://n8n.example/webhook/CANARY"
    code, _, _ = await hookgram("set")
    assert code == 1
    assert bot.url.startswith("https://n8n")
    code, _, _ = await hookgram("set", "--yes")
    assert (code, bot.url) == (0, f"https://localhost{PATH}")


async def test_a_webhook_is_not_set_while_the_gateway_polls_without_asking(bot, hookgram):
    bot.url = ""
    code, out, _ = await hookgram("set", answer="n\n", INGEST_MODE="polling")
    assert (code, bot.url) == (1, "")
    assert "lets nobody poll" in out


async def test_pending_updates_are_dropped_only_after_asking(bot, hookgram):
    bot.pending = 7
    code, out, _ = await hookgram("set", "--drop-pending", answer="n\n")
    assert (code, bot.pending) == (1, 7)
    assert "the 7 updates that wait at Telegram? They are lost." in out
    code, _, _ = await hookgram("set", "--drop-pending", answer="y\n")
    assert (code, bot.pending) == (0, 0)


async def test_what_telegram_complained_of_is_told_before_it_is_forgotten(bot, hookgram):
    bot.error, bot.error_at = (
        "Wrong response from the webhook: 403 Forbidden",
        int(time.time()) - 90,
    )
    code, out, _ = await hookgram("set", "--force")
    assert (code, bot.error) == (0, None)
    assert '1 minute ago Telegram met: "Wrong response from the webhook: 403 Forbidden"' in out
    assert "that is: the secret that Telegram sends is not TELEGRAM_SECRET_TOKEN" in out


async def test_a_missing_secret_and_an_unlikely_path_are_pointed_out(bot, hookgram):
    words = ("set", "--url", "https://localhost/elsewhere")
    code, out, _ = await hookgram(*words, TELEGRAM_SECRET_TOKEN="", WEBHOOK_CUSTODY="off")
    assert (code, bot.secret) == (0, "")
    assert "No secret is sent along" in out
    assert f"The path is not {PATH}" in out


async def test_a_secret_that_the_gateway_made_is_not_taken_away_without_asking(bot, hookgram):
    bot.secret = "made"
    code, out, _ = await hookgram("set", "--force", answer="n\n", TELEGRAM_SECRET_TOKEN="")
    assert (code, bot.secret) == (1, "made")
    assert "The gateway keeps this webhook itself" in out


async def test_connections_are_as_wished(bot, hookgram):
    code, out, _ = await hookgram("set", "--max-connections", "7")
    assert (code, bot.connections) == (0, 7)
    assert "connections at once: 40 → 7" in out


async def test_once_a_second_is_waited_for(server, bot, hookgram):
    bot.next_set = time.monotonic() + 0.5
    code, _, _ = await hookgram("set", "--force")
    assert (code, len(sets(server))) == (0, 2)


async def test_a_long_wait_is_told_and_not_waited_for(server, hookgram):
    server.script += [Raw(body=None), No(429, "Too Many Requests: retry after 9", 9)]
    code, _, err = await hookgram("set", "--force")
    assert code == 74
    assert "retry after 9" in err
    assert len(sets(server)) == 1


async def test_kinds_a_server_does_not_know_are_told(server, bot, hookgram, monkeypatch):
    from hookgram.demo import bot_api  # noqa: PLC0415

    def older(bot, given):
        bot_api._set_webhook(bot, given)
        bot.allowed = [kind for kind in KINDS if kind != "subscription"]
        return True

    monkeypatch.setitem(bot_api.METHODS, "setwebhook", older)
    code, out, _ = await hookgram("set", "--force")
    assert code == 0
    assert "does not know: subscription" in out


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://gateway.example.com", "https://"),
        ("https://gateway.example.com:8000", "port 8000"),
        ("https://localhost", "host"),
        ("https://10.0.0.1", "private"),
    ],
)
async def test_a_url_telegram_would_refuse_is_refused_before_it_is_asked(
    server, hookgram, url, word
):
    official = {"TELEGRAM_API_URL": "https://api.telegram.org/"}
    code, _, err = await hookgram("set", "--url", url, **official)
    assert code == 2
    assert word in err
    code, _, err = await hookgram("set", PUBLIC_URL=url, **official)
    assert code == 78
    assert word in err
    assert server.calls == []


async def test_without_any_address_it_says_what_to_set(hookgram):
    code, _, err = await hookgram("set", PUBLIC_URL="")
    assert code == 78
    assert "PUBLIC_URL" in err


async def test_the_platforms_own_address_will_do(bot, hookgram):
    variables = {"PUBLIC_URL": "", "RAILWAY_PUBLIC_DOMAIN": "a.up.railway.app"}
    code, _, _ = await hookgram("set", "--yes", **variables)
    assert (code, bot.url) == (0, f"https://a.up.railway.app{PATH}")


# delete


async def test_delete_asks_and_says_what_it_means(bot, hookgram):
    bot.pending = 3
    code, out, _ = await hookgram("delete", answer="n\n")
    assert code == 1
    assert "up to 24 hours" in out
    assert bot.url
    code, _, _ = await hookgram("delete", answer="y\n")
    assert (code, bot.url, bot.pending) == (0, "", 3)


async def test_delete_has_nothing_to_do_without_a_webhook(server, bot, hookgram):
    bot.url = ""
    code, out, _ = await hookgram("delete")
    assert code == 0
    assert "Nothing to do" in out
    assert [method for method, _ in server.calls] == ["getwebhookinfo"]


async def test_delete_drops_what_waits_only_after_asking_for_that_too(bot, hookgram):
    bot.pending = 3
    code, _, _ = await hookgram("delete", "--drop-pending", answer="y\nn\n")
    assert (code, bot.pending) == (1, 3)
    assert bot.url
    code, _, _ = await hookgram("delete", "--drop-pending", "--yes")
    assert (code, bot.url, bot.pending) == (0, "", 0)


# info


async def test_info_tells_it_in_plain_words(bot, hookgram):
    bot.pending, bot.allowed = 3, ["message"]
    bot.error, bot.error_at = "Connection refused", int(time.time()) - 90
    code, out, _ = await hookgram("info")
    assert code == 0
    assert f"address              https://localhost{PATH}" in out
    assert "waiting at Telegram  3" in out
    assert 'Telegram met: "Connection refused"' in out
    assert "start the gateway or its proxy" in out


async def test_info_without_a_webhook_says_so(bot, hookgram):
    bot.url = ""
    code, out, _ = await hookgram("info")
    assert code == 0
    assert "none: no webhook is set" in out


async def test_info_for_programs(bot, hookgram):
    bot.url = "https://n8n.example/webhook/CANARY"
    bot.error, bot.error_at = "Connection refused", 1_700_000_000
    code, out, _ = await hookgram("info", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["url"] == "https://n8n.example/…"
    assert (told["last_error"], told["last_error_at"]) == ("Connection refused", 1_700_000_000)
    assert told["last_error_means"]
    assert told["missing_kinds"] == []


# trouble


@pytest.mark.parametrize("words", [["info"], ["set"], ["delete"]])
@pytest.mark.parametrize(
    ("scripted", "told"),
    [
        (No(401, "Unauthorized"), (78, "@BotFather")),
        (No(404, "Not Found"), (78, "@BotFather")),
        (No(409, "Conflict: terminated by other setWebhook"), (1, "Conflict")),
        (No(400, "Bad Request: nonsense"), (1, "nonsense")),
        (No(429, "Too Many Requests: retry after 9", 9), (74, "retry after 9")),
        (Raw(), (74, "TELEGRAM_API_URL")),
    ],
    ids=str,
)
async def test_trouble_is_a_sentence_and_an_exit_code(server, hookgram, words, scripted, told):
    server.script.append(scripted)
    code, word = told
    ended, out, err = await hookgram(*words)
    assert (ended, out) == (code, "")
    assert word in err
    assert "Traceback" not in err
