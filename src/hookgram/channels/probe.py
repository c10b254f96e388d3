"""Looks whether a URL can be reached: name, connection, TLS; nothing is sent over it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from urllib.parse import urlsplit

from hookgram.channels.resolver import Lookup, Resolver
from hookgram.channels.troubles import told
from hookgram.core.doctor.target import Probe
from hookgram.core.model import SECOND, Micros
from hookgram.core.outcome import TransportFailure
from hookgram.core.redact import safe_url

PATIENCE = 5.0
"""Seconds that connecting, TLS included, may take."""
PORTS = {"http": 80, "https": 443}


async def probe(
    url: str,
    *,
    tls: ssl.SSLContext | None = None,
    lookup: Lookup = socket.getaddrinfo,
    patience: float = PATIENCE,
) -> Probe:
    """Connect to *url* and hang up. What is wrong is a value. Raises ValueError if it is no URL."""
    parts = urlsplit(url)
    host, encrypted = parts.hostname or "", parts.scheme == "https"
    port = parts.port or PORTS[parts.scheme]
    seen = Probe(place=safe_url(url).removesuffix("/…"), encrypted=encrypted)
    context = (tls or ssl.create_default_context()) if encrypted else None
    started = time.perf_counter()
    addresses: tuple[str, ...] = ()
    try:
        found = await Resolver(lookup).resolve(host, port)
        addresses = tuple(one["host"] for one in found)
        async with asyncio.timeout(patience):
            version, ends_at = await _connect(addresses, port, host, context)
    except TimeoutError:
        trouble = TransportFailure(
            kind="timeout", detail=f"no connection within {patience:g} s", sent=False
        )
        return _failed(seen, addresses, trouble)
    except OSError as error:
        kind, detail = told(error)
        kind = "connect" if kind == "reset" else kind  # there was nothing yet to be reset
        return _failed(seen, addresses, TransportFailure(kind=kind, detail=detail, sent=False))
    return Probe(
        place=seen.place,
        encrypted=encrypted,
        addresses=addresses,
        took=int((time.perf_counter() - started) * SECOND),
        tls=version,
        ends_at=ends_at,
    )


def _failed(seen: Probe, addresses: tuple[str, ...], trouble: TransportFailure) -> Probe:
    return Probe(place=seen.place, encrypted=seen.encrypted, addresses=addresses, failure=trouble)


async def _connect(
    addresses: tuple[str, ...], port: int, host: str, context: ssl.SSLContext | None
) -> tuple[str | None, Micros | None]:
    """Connect to the first address that lets us; return TLS's version and the certificate's end."""
    trouble: OSError = OSError("no address")
    for address in addresses:
        try:
            _, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host if context else None
            )
        except OSError as error:
            trouble = error
            continue
        try:
            return _agreed(writer.get_extra_info("ssl_object"))
        finally:
            writer.transport.abort()
    raise trouble


def _agreed(tls: ssl.SSLObject | None) -> tuple[str | None, Micros | None]:
    if tls is None:
        return None, None
    certificate = tls.getpeercert() or {}
    ends = certificate.get("notAfter")
    ends_at = int(ssl.cert_time_to_seconds(ends)) * SECOND if isinstance(ends, str) else None
    return tls.version(), ends_at


async def addresses_of(host: str, *, lookup: Lookup = socket.getaddrinfo) -> tuple[str, ...]:
    """Return the addresses a name leads to from here; none if it leads nowhere."""
    try:
        found = await Resolver(lookup).resolve(host, 0)
    except OSError:
        return ()
    return tuple(one["host"] for one in found)
