"""Reads the settings and tells everything that is wrong with them, all at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from hookgram.core.facts import Warned
from hookgram.core.retry import RetryPolicy
from hookgram.errors import SettingsError
from hookgram.settings import checks, databases, messages, sources
from hookgram.settings.bots import OWN_BOT
from hookgram.settings.derived import Settings
from hookgram.settings.file import meaning, reading

ENV_FILE = Path(".env")
NAMES = [name.upper() for name in Settings.model_fields]


PLACE = ("QUEUE_BACKEND", "SQLITE_PATH", "DATABASE_URL")
"""The settings that say where the store is."""


def load(env_file: Path | None = ENV_FILE) -> Settings:
    """Read the settings. Raises SettingsError with everything that is wrong, all at once."""
    with _reading(env_file):
        wrong = sources.unreadable(env_file)
        variables = sources.variables(env_file)
        files = sources.SecretFiles(Settings, env_file)
        secrets = files()
        path = variables.get("CONFIG_FILE")
        found = reading.read(Path(path), variables) if path else None
        wrong += [*files.problems, *(found.problems if found else ())]
        given = _given_token(variables, secrets, files.failed)
        if not (given or _names_bots(found)):
            wrong.append(messages.NO_BOT)
        try:
            settings = Settings.from_sources(env_file, secrets)
        except ValidationError as error:
            wrong += messages.told(error, files.failed)
            wrong += _contradictions(found, given=given)
            raise SettingsError(wrong) from None
    wrong += databases.missing(settings.queue_backend, settings.database_url)
    if found is not None:
        wrong += meaning.contradictions(found, settings.defaults())
        settings = settings.with_file(found)
    if wrong:
        raise SettingsError(wrong)
    return settings


@contextmanager
def _reading(env_file: Path | None) -> Iterator[None]:
    try:
        yield
    except UnicodeError:
        raise SettingsError([f"{env_file}: is no UTF-8 text; save it as such"]) from None
    except OSError as error:
        why = f"{env_file}: cannot be read ({error.strerror}); check who may read it"
        raise SettingsError([why]) from None


class Place(Struct, frozen=True, kw_only=True):
    """Where the store is."""

    backend: Literal["sqlite", "postgres"]
    sqlite_path: Path
    database_url: SecretStr | None

    @property
    def shared_database(self) -> str | None:
        """The database that replicas share; None where one gateway owns a file."""
        return databases.shared(self.backend, self.database_url)


class _Given(Settings):
    """Settings of what they are given; they read nothing."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (these are the library's to choose)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def load_place(env_file: Path | None = ENV_FILE) -> Place:
    """Read only where the store is; no other setting need be there, or right.

    For commands that look at a store. Raises SettingsError as ``load`` does.
    """
    with _reading(env_file):
        wrong = sources.unreadable(env_file)
        files = sources.SecretFiles(Settings, env_file)
        secrets = files()
        layers = [*reversed(sources.layers(env_file).values()), secrets]
    given = {name.upper(): value for layer in layers for name, value in layer.items()}
    problems = wrong + [problem for problem in files.problems if problem.startswith(PLACE)]
    try:
        settings = _Given(**{name.lower(): given[name] for name in PLACE if name in given})
    except ValidationError as error:
        raise SettingsError(problems + messages.told(error, files.failed)) from None
    problems += databases.missing(settings.queue_backend, settings.database_url)
    if problems:
        raise SettingsError(problems)
    return Place(
        backend=settings.queue_backend,
        sqlite_path=Path(settings.sqlite_path),
        database_url=settings.database_url,
    )


def _given_token(
    variables: Mapping[str, str], secrets: Mapping[str, str], failed: Collection[str]
) -> bool:
    """Tell whether a bot token is given, be it right or wrong."""
    return "BOT_TOKEN" in variables or "bot_token" in secrets or "BOT_TOKEN" in failed


def _contradictions(found: reading.Found | None, *, given: bool) -> list[str]:
    """List those of a file where nothing is known of the environment but whether it has a bot."""
    if found is None:
        return []
    unknown = meaning.Defaults(
        bots={OWN_BOT: -1} if given else {},
        targets=(),
        secrets=(),
        timeout=0,
        slots=0,
        retry=RetryPolicy(waits=(), max_age=0),
    )
    return [*meaning.contradictions(found, unknown)]


def _names_bots(found: reading.Found | None) -> bool:
    """Tell whether a file names bots, be they right or wrong."""
    return found is not None and (bool(found.problems) or bool(found.bots))


def risks(
    settings: Settings, orphans: Sequence[str] = (), env_file: Path | None = ENV_FILE
) -> list[Warned]:
    """List what works but should be known at start. *orphans*: targets that are no longer named."""
    near = sources.near_misses(NAMES, env_file)
    return checks.warnings(settings) + checks.orphaned(orphans) + near
