"""What may be called, and how names become addresses."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from fakes.hostile import healthy, serve
from hookgram.channels.guard import Blocked, Reach, public_socket, reach_of
from hookgram.channels.registry import Channels
from hookgram.channels.resolver import MOST_ADDRESSES, MOST_AT_ONCE, Resolver
from hookgram.core.definition import Origin


def info(address: str, port: int = 80, family=socket.AF_INET):
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))


def names(**addresses: list[str]):
    """Resolve those names to those addresses."""

    def lookup(host, port, **_):
        return [
            info(a, port, socket.AF_INET6 if ":" in a else socket.AF_INET) for a in addresses[host]
        ]

    return lookup


def test_only_targets_added_at_run_time_are_held_to_public_addresses():
    assert [reach_of(origin) for origin in (Origin.ENV, Origin.FILE)] == [Reach.ANY] * 2
    assert reach_of(Origin.API) is Reach.PUBLIC


def test_a_socket_is_made_for_a_public_address_only():
    public_socket(info("149.154.167.220")).close()
    for address in ("127.0.0.1", "169.254.169.254", "10.0.0.1", "no address"):
        with pytest.raises(Blocked):
            public_socket(info(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "mixed", "[::ffff:127.0.0.1]", "[::1]"])
async def test_a_target_added_at_run_time_reaches_nothing_around_us(definition, outbound, host):
    lookup = names(localhost=["127.0.0.1", "::1"], mixed=["::ffff:127.0.0.1", "127.0.0.1"])
    async with serve(healthy()) as server, Channels(lookup=lookup) as channels:
        url = f"http://{host}:{server.port}/"
        operators = channels.channel_for(definition(url, name="operators"))
        strangers = channels.channel_for(definition(url, name="strangers", origin=Origin.API))
        if host in {"127.0.0.1", "localhost"}:
            assert (await operators.send(outbound())).status == 200  # and it stays pooled
        dialled = server.connections
        answer = await strangers.send(outbound())
        assert server.connections == dialled
        assert (answer.kind, answer.sent) == ("blocked", False)
        assert "127" not in answer.detail


async def test_a_name_in_any_script_is_asked_for_as_machines_spell_it(definition, outbound):
    lookup = names(**{"xn--bcher-kva.example": ["127.0.0.1"]})
    async with serve(healthy()) as server, Channels(lookup=lookup) as channels:
        url = f"http://bücher.example:{server.port}/"
        assert (await channels.channel_for(definition(url)).send(outbound())).status == 200
        [request] = server.requests
    assert dict(request.headers)["Host"] == f"xn--bcher-kva.example:{server.port}"


async def test_each_dial_is_judged_anew(definition, outbound):
    """The name changes its address between being asked twice."""
    addresses = iter([["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]])
    lookup = lambda host, port, **_: [info(a, port) for a in next(addresses)]  # noqa: E731
    async with Channels(lookup=lookup) as channels:
        channel = channels.channel_for(definition("http://rebind.example/", origin=Origin.API))
        assert (await channel.send(outbound())).kind == "blocked"


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
async def test_an_address_in_disguise_is_not_dialled(channels, definition, outbound, host):
    async with serve(healthy()) as server:
        url = f"http://{host}:{server.port}/"
        answer = await channels.channel_for(definition(url, origin=Origin.API)).send(outbound())
        assert server.connections == 0
    assert answer.kind in {"protocol", "blocked"}


async def test_a_name_that_does_not_exist_is_a_dns_failure(send):
    answer = await send("http://nothing.invalid/token/secret")
    assert (answer.kind, answer.sent) == ("dns", False)
    assert "secret" not in answer.detail


async def test_a_name_that_cannot_be_a_name_is_a_dns_failure(send):
    assert (await send(f"http://{'a' * 64}.example/")).kind == "dns"


async def test_a_port_nobody_listens_on_is_a_connect_failure(send):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer = await send(f"http://127.0.0.1:{port}/secret")
    assert (answer.kind, answer.detail, answer.sent) == ("connect", "Connection refused", False)


async def test_names_that_hang_harm_no_other_name(definition, outbound):
    release = threading.Event()

    def lookup(host, port, **_):
        if host != "good":
            release.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "late")
        return [info("127.0.0.1", port)]

    def channel(host, port):
        return channels.channel_for(definition(f"http://{host}:{port}/", name=host))

    async with serve(healthy()) as server, Channels(lookup=lookup) as channels:
        hanging = [
            asyncio.create_task(channel(f"bad{n}", 80).send(outbound(seconds=60)))
            for n in range(MOST_AT_ONCE - 1)
        ]
        good = await channel("good", server.port).send(outbound())
        assert good.status == 200
        assert not any(task.done() for task in hanging)
        release.set()
        answers = await asyncio.gather(*hanging)
    assert {answer.kind for answer in answers} == {"dns"}


async def test_a_lookup_gets_a_few_seconds_only():
    release = threading.Event()
    resolver = Resolver(lambda *_, **__: release.wait(30) and [], patience=0.05)
    with pytest.raises(socket.gaierror, match="does not answer"):
        await resolver.resolve("slow", 80)
    release.set()


async def test_so_many_lookups_at_once_and_no_more():
    release = threading.Event()
    running = threading.Semaphore(0)

    def lookup(*_, **__):
        running.release()
        release.wait(30)
        return [info("127.0.0.1")]

    resolver = Resolver(lookup, patience=20)
    tasks = [asyncio.create_task(resolver.resolve(f"h{n}")) for n in range(MOST_AT_ONCE + 5)]
    for _ in range(MOST_AT_ONCE):
        await asyncio.to_thread(running.acquire, timeout=10)
    assert not running.acquire(blocking=False)
    release.set()
    assert all(len(found) == 1 for found in await asyncio.gather(*tasks))


async def test_a_name_with_many_addresses_yields_a_few_of_each_family():
    lookup = names(many=[f"2001:db8::{n}" for n in range(1, 300)] + ["192.0.2.1", "192.0.2.2"])
    found = [result["host"] for result in await Resolver(lookup).resolve("many", 80)]
    assert found == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"]
    assert len(found) == MOST_ADDRESSES
