"""What a configuration file means: bots, targets, and what cannot be meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from hookgram.core.definition import Bot, Definition, Filter, Format, Origin
from hookgram.core.formats import LAYOUTS
from hookgram.core.identity import bot_id
from hookgram.core.kinds import KINDS
from hookgram.core.model import Micros
from hookgram.core.retry import RetryPolicy
from hookgram.settings.bots import BotSetting
from hookgram.settings.file.entries import FilterEntry, TargetEntry
from hookgram.settings.file.lines import Place
from hookgram.settings.file.reading import Found
from hookgram.settings.file.texts import micros


class Defaults(Struct, frozen=True, kw_only=True):
    """What holds where a target says nothing, and what the environment has already."""

    bots: Mapping[str, int]
    targets: Collection[str]
    secrets: tuple[str, ...]
    timeout: Micros
    slots: int
    retry: RetryPolicy


def contradictions(found: Found, defaults: Defaults) -> Iterator[str]:
    """Yield what is wrong between entries that are right by themselves."""
    yield from _bots(found, defaults)
    yield from _targets(found, defaults)


def _bots(found: Found, defaults: Defaults) -> Iterator[str]:
    yield from _names(found, "bots", dict.fromkeys(defaults.bots, "the bot of BOT_TOKEN"))
    numbers = dict.fromkeys(defaults.bots.values(), "the bot of BOT_TOKEN")
    for n, entry in found.bots.items():
        number = bot_id(entry.token.get_secret_value()) or 0
        if number in numbers:
            why = f"is the token of {numbers[number]} too; a bot can be named once"
            yield found.tell(("bots", n, "token"), why)
        numbers.setdefault(number, f"bots {n + 1}")
        secret = entry.secret_token
        if secret and secret.get_secret_value() in entry.token.get_secret_value():
            why = "is part of the token; make another one with: openssl rand -hex 32"
            yield found.tell(("bots", n, "secret_token"), why)


def _targets(found: Found, defaults: Defaults) -> Iterator[str]:
    own = dict.fromkeys(defaults.targets, "a target of the environment")
    yield from _names(found, "targets", own)
    bots = {*defaults.bots, *found.names["bots"].values()}
    for n, entry in found.targets.items():
        for number, bot in enumerate(entry.bots or ()):
            if bot not in bots:
                why = f'there is no bot "{bot}"; there are {", ".join(sorted(bots)) or "none"}'
                yield found.tell(("targets", n, "bots", number), why)
        for place, why in _within(entry):
            yield found.tell(("targets", n, *place), why)
    yield from _responders(found, bots)


def _responders(found: Found, bots: Collection[str]) -> Iterator[str]:
    """Yield the responders of a bot that has one already."""
    taken: dict[str, str] = {}
    for n, entry in found.targets.items():
        if not entry.responder:
            continue
        for bot in sorted(bots if entry.bots is None else set(entry.bots)):
            if bot in taken:
                why = f'"{taken[bot]}" is the responder of the bot "{bot}" already; a bot has one'
                yield found.tell(("targets", n, "responder"), why)
                break
            taken[bot] = entry.name


def _names(found: Found, key: str, taken: dict[str, str]) -> Iterator[str]:
    """Yield the names that stand there twice, also those of entries that are wrong."""
    for n, name in found.names[key].items():
        if name in taken:
            why = f'"{name}" is the name of {taken[name]} too; give each its own'
            yield found.tell((key, n, "name"), why)
        taken.setdefault(name, f"{key} {n + 1}")


def _within(entry: TargetEntry) -> Iterator[tuple[Place, str]]:
    """Yield what contradicts itself within one target."""
    if entry.secret_token is not None and Format(entry.format) is not Format.UPDATE:
        yield ("secret_token",), 'is sent in format "update" only; set the format, or leave it out'
    seen: set[str] = set()
    for name in entry.headers:
        if name.lower() in seen:
            yield ("headers", name), "stands there twice; a header is sent once"
        seen.add(name.lower())
        if name.lower() == "authorization" and "@" in urlsplit(entry.url).netloc:
            yield ("headers", name), "is made of the user in the url already; keep one of them"
    if entry.filter is not None and entry.filter.kinds:
        yield from _never(entry.filter, entry.filter.kinds)


def _never(found: FilterEntry, names: Collection[str]) -> Iterator[tuple[Place, str]]:
    """Yield the lists that no update of these kinds can fit; kinds we do not know might."""
    if not all(name in KINDS for name in names):
        return
    kinds = [KINDS[name] for name in names]
    able = {
        "chats": any(kind.chat for kind in kinds) or "business_connection" in names,
        "users": any(kind.user for kind in kinds),
        "commands": any(kind.content for kind in kinds),
        "text": any(kind.text for kind in kinds),
    }
    for name, can in able.items():
        if getattr(found, name) is not None and not can:
            yield ("filter", name), "can never fit: the kinds of this filter have none"


def bots(found: Found, path: str) -> list[BotSetting]:
    """Return the file's bots; the name of each follows *path*."""
    return [
        BotSetting(
            bot=Bot(name=entry.name, bot_id=bot_id(entry.token.get_secret_value()) or 0),
            token=entry.token.get_secret_value(),
            path=f"{path.rstrip('/')}/{entry.name}",
            secret=entry.secret_token.get_secret_value() if entry.secret_token else None,
            polls=entry.ingest == "polling",
        )
        for entry in found.bots.values()
    ]


def definitions(found: Found, defaults: Defaults) -> list[Definition]:
    """Return the file's targets."""
    numbers = {**defaults.bots, **{one.bot.name: one.bot.bot_id for one in bots(found, "")}}
    return [_definition(entry, numbers, defaults) for entry in found.targets.values()]


def _definition(entry: TargetEntry, numbers: Mapping[str, int], defaults: Defaults) -> Definition:
    format_ = Format(entry.format)
    timeout = LAYOUTS[format_].timeout or defaults.timeout
    given = entry.secrets
    secrets = defaults.secrets if given is None else tuple(s.get_secret_value() for s in given)
    retry = defaults.retry
    if entry.retries is not None:
        waits = tuple(micros(wait) for wait in entry.retries)
        retry = RetryPolicy(waits=waits, max_age=retry.max_age)
    return Definition(
        name=entry.name,
        urls=(entry.url,),
        origin=Origin.FILE,
        format=format_,
        secrets=secrets,
        secret_token=entry.secret_token.get_secret_value() if entry.secret_token else None,
        headers=tuple((name, value.get_secret_value()) for name, value in entry.headers.items()),
        timeout=timeout if entry.timeout is None else micros(entry.timeout),
        slots=entry.slots or defaults.slots,
        ordered=entry.order == "lane",
        retry=retry,
        responder=entry.responder,
        skip_expired=entry.expired == "skip",
        bots=None if entry.bots is None else frozenset(numbers[name] for name in entry.bots),
        filter=None if entry.filter is None else _filter(entry.filter),
    )


def _filter(entry: FilterEntry) -> Filter:
    def of(values: list[str] | None) -> frozenset[str] | None:
        return None if values is None else frozenset(values)

    return Filter(
        kinds=of(entry.kinds),
        chats=None if entry.chats is None else frozenset(entry.chats),
        users=None if entry.users is None else frozenset(entry.users),
        commands=of(entry.commands),
        text=None if entry.text is None else tuple(entry.text),
    )


def secrets(found: Found) -> Iterator[str]:
    """Yield every secret of the file, for the mask; also tokens without their public numbers."""
    for bot in found.bots.values():
        token = bot.token.get_secret_value()
        yield token
        yield token.partition(":")[2]
        if bot.secret_token:
            yield bot.secret_token.get_secret_value()
    for target in found.targets.values():
        held = [target.secret_token, *(target.secrets or ()), *target.headers.values()]
        for secret in held:
            if secret is not None:
                yield secret.get_secret_value()
                yield secret.get_secret_value().partition(" ")[2]
