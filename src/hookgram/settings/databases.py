"""What DATABASE_URL may be; nothing of it is ever shown."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import SecretStr

SCHEMES = ("postgres", "postgresql")
LIKE = "write it like postgresql://user:password@host/database"


def wrong(url: str) -> str | None:
    """Say what is wrong with the URL; None when nothing is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"not a URL; {LIKE}"
    if parts.scheme not in SCHEMES or not parts.path.strip("/"):
        return f"not the URL of a PostgreSQL database; {LIKE}"
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":  # the secret was cut there
        return "a URL with /, ? or # in its user or password; write them as %2F, %3F and %23"
    if not all(_is_host(host) for host in parts.netloc.rpartition("@")[2].split(",")):
        return f"a URL with a port that is none; {LIKE}"
    if any(c.isspace() or not c.isprintable() for c in url):
        return "a URL with a space; write it as %20"
    return None


def _is_host(text: str) -> bool:
    try:
        return urlsplit(f"//{text}").port != 0
    except ValueError:
        return False


def shared(backend: str, url: SecretStr | None) -> str | None:
    """Return the database that replicas share; None where one gateway owns a file."""
    return None if backend == "sqlite" or url is None else url.get_secret_value()


def missing(backend: str, url: SecretStr | None) -> list[str]:
    """Say that a database is needed and none is named."""
    if backend == "postgres" and url is None:
        return [f"DATABASE_URL: is not set, and QUEUE_BACKEND=postgres needs it; {LIKE}"]
    return []


def passwords(url: str) -> list[str]:
    """Return the passwords in the URL, as they stand there and as they are meant."""
    parts = urlsplit(url)
    user, _, _ = parts.netloc.rpartition("@")
    _, _, plain = user.partition(":")
    found = [plain, unquote(plain), *parse_qs(parts.query).get("password", [])]
    return [each for each in dict.fromkeys(found) if each]
