"""What a configuration file means, and what is said of one that is wrong."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from hookgram.core.definition import Bot, Filter, Format, Origin
from hookgram.core.model import HOUR, MINUTE, SECOND
from hookgram.errors import SettingsError
from hookgram.settings import load, risks
from hookgram.settings.bots import of_bot
from hookgram.settings.file.schema import as_schema

ROOT = Path(__file__).parents[2]
SHOP = "654321:BBF0-another_token_of_the_tests"
EXAMPLE = {
    "SHOP_BOT_TOKEN": SHOP,
    "SHOP_SECRET": "what-telegram-sends",
    "DESK_SECRET": "a signing secret of the tests",
    "DESK_TOKEN": "token-of-the-desk",
}
TARGET = '[[targets]]\nname = "a"\nurl = "https://a.example.com/"\n'


@pytest.fixture
def configured(given, folder):
    """Load a file beside a valid environment."""

    def configured(text, **variables):
        (folder / "hookgram.toml").write_text(text)
        return given(CONFIG_FILE="hookgram.toml", **variables)

    return configured


@pytest.fixture
def wrong(configured):
    """Tell what is wrong with a file."""

    def wrong(text, **variables):
        with pytest.raises(SettingsError) as caught:
            configured(text, **variables)
        return caught.value.problems

    return wrong


def test_the_example_means_what_it_says(configured):
    settings = configured((ROOT / "hookgram.example.toml").read_text(), **EXAMPLE)
    own, shop = settings.bots()
    assert (own.bot.name, own.path) == ("default", "/telegram/webhook")
    assert shop.bot == Bot(name="shop", bot_id=654321)
    assert (shop.path, shop.secret) == ("/telegram/webhook/shop", "what-telegram-sends")
    orders, refunds = settings.definitions()
    assert orders.origin is Origin.FILE
    assert orders.bots == {654321}
    assert (orders.format, orders.secret_token) == (Format.UPDATE, "for-the-target")
    assert orders.retry.waits == (5 * SECOND, MINUTE, 10 * MINUTE, HOUR)
    assert (orders.timeout, orders.skip_expired, orders.ordered) == (65 * SECOND, True, True)
    assert (orders.responder, refunds.responder) == (True, False)
    assert orders.filter == Filter(
        kinds=frozenset({"message", "edited_message"}), commands=frozenset({"/start", "/order"})
    )
    assert refunds.secrets == ("a signing secret of the tests",)
    assert refunds.headers == (("Authorization", "Bearer token-of-the-desk"),)
    assert refunds.slots == 5
    assert refunds.filter == Filter(text=("*refund*", r"re2:(?i)order\s+\d+"))


def test_where_a_target_says_nothing_the_environment_holds(configured):
    [target] = configured(
        TARGET, OUTBOUND_SECRET="s" * 24, TARGET_SLOTS="7", FORWARD_TIMEOUT_SEC="9", MAX_RETRIES="1"
    ).definitions()
    assert target.secrets == ("s" * 24,)
    assert (target.slots, target.timeout, len(target.retry.waits)) == (7, 9 * SECOND, 1)
    assert (target.bots, target.filter, target.format) == (None, None, Format.EVENT)


def test_an_update_waits_longer_unless_the_target_says_how_long(configured):
    [target] = configured(TARGET + 'format = "update"').definitions()
    assert target.timeout == 65 * SECOND
    [target] = configured(TARGET + 'format = "update"\ntimeout = "1.5s"').definitions()
    assert target.timeout == 1_500_000


def test_an_empty_list_of_secrets_signs_nothing(configured):
    [target] = configured(TARGET + "secrets = []", OUTBOUND_SECRET="s" * 24).definitions()
    assert target.secrets == ()


def test_the_environments_targets_and_the_files_are_all_there(configured):
    settings = configured(TARGET, TARGET_WEBHOOK_URL="https://b.example.com/")
    assert [definition.name for definition in settings.definitions()] == ["target", "a"]


def test_a_file_with_a_bot_needs_no_other(configured, monkeypatch):
    text = f'[[bots]]\nname = "shop"\ntoken = "{SHOP}"\n'
    settings = configured(text, BOT_TOKEN="")
    assert [one.bot.name for one in settings.bots()] == ["shop"]
    assert of_bot(settings, None).bots()[0].path == "/telegram/webhook/shop"


def test_a_file_without_a_bot_needs_that_of_the_environment(wrong):
    assert wrong(TARGET, BOT_TOKEN="") == [
        "BOT_TOKEN: is not set; get a token from @BotFather and set it"
    ]


def test_one_bot_of_several_must_be_named(configured):
    text = f'[[bots]]\nname = "shop"\ntoken = "{SHOP}"\n'
    settings = configured(text)
    assert of_bot(settings, None).bots()[0].bot.name == "default"
    assert of_bot(settings, "shop").bots()[0].token == SHOP
    with pytest.raises(SettingsError, match="default, shop"):
        of_bot(settings, "ship")


def test_two_dollars_are_one(configured):
    text = TARGET + 'headers = { X = "$$5 $${A} $ ${B}" }'
    [target] = configured(text, B="x").definitions()
    assert target.headers == (("X", "$5 ${A} $ x"),)


RESPONDER = TARGET + "responder = true\n"
BOT = f'[[bots]]\nname = "shop"\ntoken = "{SHOP}"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[targets]\n", "is no TOML"),
        ("bot = 1", "1: bot: is no key here; did you mean bots?"),
        ("targets = 5", "1: targets: is no list; write a [[targets]] for each"),
        ("targets = [5]", "1: targets 1: is no table"),
        ('[[targets]]\nname = "a"', "1: targets 1, url: is missing; where we post"),
        (TARGET + 'nmae = "b"', "4: targets 1, nmae: is no key here; did you mean name?"),
        (TARGET.replace('"a"', '"A b"'), "2: targets 1, name: is no name"),
        (TARGET.replace("https", "ftp"), "3: targets 1, url: not an http or https URL"),
        (TARGET + "slots = 0", "4: targets 1, slots: is not possible; it should be greater"),
        (TARGET + 'slots = "5"', "4: targets 1, slots: is no whole number"),
        (TARGET + 'format = "xml"', "use 'event', 'update' or 'cloudevents'"),
        (TARGET + 'order = "fifo"', "use 'lane' or 'none'"),
        (TARGET + 'timeout = "5 s"', "4: targets 1, timeout: is no duration; use 100ms to 10m"),
        (TARGET + 'timeout = "11m"', "4: targets 1, timeout: is too short or too long"),
        (TARGET + 'retries = [\n"5s",\n"1d"]', "6: targets 1, retries 2: is too short or too long"),
        (TARGET + 'secret_token = "x"', 'is sent in format "update" only'),
        (TARGET + 'secret_token = "a b"\nformat = "update"', "Telegram allows 1 to 256"),
        (TARGET + 'secrets = [""]', "4: targets 1, secrets 1: holds no key"),
        (TARGET + 'headers = { Host = "x" }', "targets 1, headers.Host: is a header that the"),
        (TARGET + 'headers = { Webhook-Id = "x" }', "is a header that the gateway sets itself"),
        (TARGET + 'headers = { x-gateway-a = "x" }', "is a header that the gateway sets itself"),
        (TARGET + 'headers = { "a b" = "x" }', "is no name of a header"),
        (TARGET + 'headers = { A = "x\\r\\nHost: y" }', "cannot be sent in a header"),
        (TARGET + 'headers = { A = "x", a = "y" }', "stands there twice"),
        (
            TARGET.replace("//a", "//u:p@a") + 'headers = { authorization = "x" }',
            "is made of the user in the url already",
        ),
        (TARGET + 'bots = ["ship"]', '4: targets 1, bots 1: there is no bot "ship"; there are def'),
        (RESPONDER + TARGET.replace('"a"', '"b"') + "responder = true", '"a" is the responder of'),
        (
            BOT + RESPONDER + TARGET.replace('"a"', '"b"') + 'bots = ["shop"]\nresponder = true',
            'of the bot "shop" already',
        ),
        (TARGET + "bots = []", "4: targets 1, bots: is empty"),
        (TARGET + TARGET, '5: targets 2, name: "a" is the name of targets 1 too'),
        (TARGET.replace('"a"', '"target"'), "is the name of a target of the environment too"),
        (BOT + BOT.replace(SHOP, f"9{SHOP}"), '"shop" is the name of bots 1 too'),
        (BOT + BOT.replace('"shop"', '"ship"'), "6: bots 2, token: is the token of bots 1 too"),
        (BOT.replace('"shop"', '"default"'), '"default" is the name of the bot of BOT_TOKEN too'),
        (BOT.replace(SHOP, "123456:AAF0-otherwise_spelt"), "is the token of the bot of BOT_TOKEN"),
        (BOT.replace(SHOP, "nonsense"), "3: bots 1, token: not a bot token"),
        (BOT + 'secret_token = "BBF0-another_token"', "is part of the token"),
        (BOT + 'ingest = "pull"', "4: bots 1, ingest: is not possible; use 'webhook' or 'polling'"),
        (TARGET + 'filter.kinds = ["mesage"]', 'is no kind; did you mean "message"?'),
        (TARGET + 'filter.kinds = ["?"]', "is no kind; use names of Telegram's"),
        (TARGET + "filter.chats = []", "filter.chats: is empty: nothing would ever fit it"),
        (TARGET + 'filter.chats = ["5"]', "filter.chats 1: is no whole number"),
        (TARGET + "filter.users = [9223372036854775808]", "is not possible; it should be less"),
        (TARGET + 'filter.commands = ["start"]', 'is no command; write it like "/start"'),
        (TARGET + 'filter.text = ["re2:("]', "is no RE2 expression (missing ): ()"),
        (TARGET + 'filter.text = ["re2:(?=a)"]', "is no RE2 expression"),
        (TARGET + f'filter.text = ["{"x" * 257}"]', "is empty or too long"),
        (TARGET + 'filter.kinds = ["poll"]\nfilter.chats = [5]', "filter.chats: can never fit"),
        (TARGET + 'filter.kinds = ["poll"]\nfilter.users = [5]', "filter.users: can never fit"),
        (
            TARGET + 'filter.kinds = ["callback_query"]\nfilter.commands = ["/a"]',
            "filter.commands: can never fit",
        ),
        (
            TARGET + 'filter.kinds = ["chat_member"]\nfilter.text = ["a"]',
            "filter.text: can never fit",
        ),
        (TARGET + 'secrets = ["${NO_SUCH}"]', "4: targets 1, secrets 1: NO_SUCH is not set"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(wrong, text, told):
    [problem] = wrong(text, TARGET_WEBHOOK_URL="https://b.example.com/")
    assert problem.startswith("hookgram.toml:")
    assert told in problem


def test_all_mistakes_are_told_at_once_also_those_of_the_environment(wrong):
    text = (
        f'{TARGET}slots = 0\ntimeout = "x"\n{TARGET}bots = ["no"]\n{BOT}'
        f'[[bots]]\nname = "other"\ntoken = "{SHOP}"\n'
    )
    found = wrong(text)
    assert len(found) == 5
    told = wrong(text, PORT="x")
    [more] = [one for one in told if one not in found]
    assert more.startswith("PORT: ")
    assert len(told) == len(found) + 1


def test_a_file_that_is_not_there_or_no_text_is_told(given, folder):
    cases = ((None, "cannot be read"), (b"\xff", "no UTF-8"), (b"#" * 300_000, "larger"))
    for content, why in cases:
        if content is not None:
            (folder / "hookgram.toml").write_bytes(content)
        with pytest.raises(SettingsError, match=why):
            given(CONFIG_FILE="hookgram.toml")


def test_nothing_private_prints(configured, wrong):
    settings = configured((ROOT / "hookgram.example.toml").read_text(), **EXAMPLE)
    shown = repr(settings) + repr(settings.bots()) + repr(settings.definitions())
    held = [*EXAMPLE.values(), SHOP.partition(":")[2], "for-the-target"]
    for secret in held:
        assert secret not in shown
        assert secret in settings.secrets()
    assert not [p for p in wrong(BOT + 'secret_token = "pri vate"') if "pri vate" in p]


def test_what_works_but_should_be_known_is_told_of_each_bot(configured):
    settings = configured(BOT + TARGET + 'secrets = ["short"]', TELEGRAM_SECRET_TOKEN="x")
    told = [warning.message for warning in risks(settings)]
    assert "ANYBODY CAN POST UPDATES of bot shop: it has no secret_token" in told
    assert "a secret of target a is short" in told
    assert not [message for message in told if "TELEGRAM_SECRET_TOKEN" in message]


@pytest.mark.parametrize(
    ("ingest", "variables"),
    [
        ("polling", {}),
        ("webhook", {"PUBLIC_URL": "https://gateway.example.com"}),
    ],
    ids=["its door is closed", "its secret is made by us"],
)
def test_no_open_door_is_told_of_where_there_is_none(configured, ingest, variables):
    settings = configured(f'{BOT}ingest = "{ingest}"\n', **variables)
    told = [warning.message for warning in risks(settings)]
    assert not [message for message in told if "bot shop" in message]


@pytest.mark.parametrize(
    "variables",
    [
        {"PUBLIC_URL": "https://gateway.example.com", "WEBHOOK_CUSTODY": "off"},
        {"PUBLIC_URL": "http://gateway.example.com"},
        {"INGEST_MODE": "polling"},
    ],
    ids=["not kept", "not kept there", "only the other one is polled"],
)
def test_an_open_door_is_told_of_where_there_is_one(configured, variables):
    told = [warning.message for warning in risks(configured(BOT, **variables))]
    assert "ANYBODY CAN POST UPDATES of bot shop: it has no secret_token" in told


def test_no_contradiction_is_made_up_where_the_environment_is_wrong(wrong):
    text = BOT + TARGET + 'bots = ["shop", "default"]\n'
    [problem] = wrong(text, PORT="many")
    assert problem.startswith("PORT: ")
    text = BOT.replace('"shop"', '"default"') + TARGET
    [problem] = wrong(text, PORT="many", BOT_TOKEN="")
    assert problem.startswith("PORT: ")


def test_the_schema_is_not_stale():
    made = (ROOT / "hookgram.schema.json").read_text()
    assert made == as_schema(), "run: hookgram config --schema > hookgram.schema.json"


def test_the_schema_takes_the_example_and_refuses_a_mistake():
    schema = json.loads(as_schema())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    example = tomllib.loads((ROOT / "hookgram.example.toml").read_text())
    assert validator.is_valid(example)
    example["targets"][0]["nmae"] = "x"
    assert not validator.is_valid(example)


def test_the_example_shows_every_key():
    text = (ROOT / "hookgram.example.toml").read_text()
    for entry in json.loads(as_schema())["$defs"].values():
        for key in entry["properties"]:
            assert key in text, key


def test_the_wheel_brings_the_example_and_the_schema():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    brought = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert set(brought) == {"hookgram.example.toml", "hookgram.schema.json"}


def test_every_format_can_be_chosen(configured):
    for format_ in Format:
        [target] = configured(f'{TARGET}format = "{format_}"').definitions()
        assert target.format is format_


def test_the_environment_alone_is_read_as_ever(given):
    assert given(TARGET_WEBHOOK_URL="https://a.example.com/").definitions()[0].origin is Origin.ENV
    assert load().bots()[0].bot.name == "default"
