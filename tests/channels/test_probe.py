"""Probing a URL: what is reached is told, what is not is a value, and nothing is sent."""

from __future__ import annotations

import socket

from fakes.hostile import Hostile, garbage, healthy
from hookgram.channels.probe import addresses_of, probe
from hookgram.core.model import SECOND


async def test_what_listens_is_reached_and_sent_nothing():
    async with Hostile(healthy()) as server:
        seen = await probe(server.url)
        await server.until(lambda: server.hung_up == 1)
    assert seen.failure is None
    assert seen.addresses == ("127.0.0.1",)
    assert seen.place == f"http://127.0.0.1:{server.port}"
    assert (seen.encrypted, seen.tls, seen.ends_at) == (False, None, None)
    assert server.requests == []


async def test_over_tls_the_version_and_the_certificates_end_are_told(certificate, trusting):
    async with Hostile(healthy(), tls=certificate) as server:
        seen = await probe(f"https://localhost:{server.port}/CANARY?x=CANARY", tls=trusting)
    assert seen.failure is None
    assert seen.tls == "TLSv1.3"
    assert seen.ends_at is not None
    assert seen.ends_at % SECOND == 0
    assert seen.place == f"https://localhost:{server.port}"


async def test_a_certificate_nobody_signed_is_refused(certificate):
    async with Hostile(healthy(), tls=certificate) as server:
        seen = await probe(f"https://localhost:{server.port}/")
    assert seen.failure is not None
    assert seen.failure.kind == "tls"
    assert "certificate" in seen.failure.detail


async def test_a_certificate_for_another_name_is_refused(certificate, trusting):
    async with Hostile(healthy(), tls=certificate) as server:
        seen = await probe(f"https://127.0.0.1:{server.port}/", tls=trusting)
    assert seen.failure is not None
    assert seen.failure.kind == "tls"


async def test_what_speaks_no_tls_is_told(trusting):
    async with Hostile(garbage) as server:
        seen = await probe(f"https://localhost:{server.port}/", tls=trusting, patience=0.3)
    assert seen.failure is not None
    assert seen.failure.kind in {"tls", "timeout"}


async def test_nobody_listening_is_told():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen = await probe(f"http://u:CANARY@127.0.0.1:{port}/CANARY")
    assert seen.failure is not None
    assert (seen.failure.kind, seen.failure.detail) == ("connect", "Connection refused")
    assert "CANARY" not in str(seen)


def no_such_name(*_, **__):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def test_a_name_that_leads_nowhere_is_told():
    seen = await probe("https://shop.invalid/", lookup=no_such_name)
    assert seen.failure is not None
    assert (seen.failure.kind, seen.addresses) == ("dns", ())
    assert await addresses_of("shop.invalid", lookup=no_such_name) == ()


async def test_the_second_address_is_tried_when_the_first_refuses():
    async with Hostile(healthy()) as server:

        def two(_host, port, **_):
            tcp = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*tcp, ("127.0.0.2", port)), (*tcp, ("127.0.0.1", port))]

        seen = await probe(f"http://shop.test:{server.port}/", lookup=two)
    assert seen.failure is None
    assert seen.addresses == ("127.0.0.2", "127.0.0.1")
    assert await addresses_of("shop.test", lookup=two) == ("127.0.0.2", "127.0.0.1")


async def test_what_never_shakes_hands_is_given_up_in_time(trusting):
    async with Hostile(hang) as server:
        seen = await probe(f"https://localhost:{server.port}/", tls=trusting, patience=0.2)
    assert seen.failure is not None
    assert (seen.failure.kind, seen.failure.detail) == ("timeout", "no connection within 0.2 s")


async def hang(exchange):
    await exchange.gone()
