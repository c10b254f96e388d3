"""One POST to one URL: what leaves us and what we make of well-behaved targets."""

from __future__ import annotations

import asyncio

import pytest

from fakes.hostile import (
    answer_then_more,
    hang_after_request,
    healthy,
    interim_first,
    no_content,
    raw,
    redirect_to_itself,
    serve,
    until_closed,
)
from hookgram.channels.registry import Channels
from hookgram.channels.wire import Parcel
from hookgram.core.model import SECOND
from hookgram.core.outcome import Outbound, Response, TransportFailure


async def test_the_request_is_what_was_composed_and_nothing_more(send):
    async with serve(healthy()) as server:
        body = b'{"text":"\xd0\xbf\x00\xff"}'
        headers = {
            "Content_Type": "application/json",
            "User_Agent": "hookgram/1",
            "webhook_id": "evt_1",
        }
        await send(server.url, body, **headers)
        [request] = server.requests
    assert request.line == "POST /hook HTTP/1.1"
    assert request.body == body
    assert dict(request.headers) == {
        "Host": f"127.0.0.1:{server.port}",
        "Content-Type": "application/json",
        "User-Agent": "hookgram/1",
        "webhook-id": "evt_1",
        "Content-Length": str(len(body)),
    }


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("", "/"),
        ("/", "/"),
        ("?q=1", "/?q=1"),
        (
            "/a%2fb%2Fc%20d/../e/./?x=%41+b&y=a|b;c#fragment",
            "/a%2fb%2Fc%20d/../e/./?x=%41+b&y=a|b;c",
        ),
        ("/bot123:AA-b_c/%zz?'\"<>^`{}", "/bot123:AA-b_c/%zz?'\"<>^`{}"),
        ("/ü ü?ü", "/%C3%BC%20%C3%BC?%C3%BC"),
    ],
)
async def test_the_path_and_query_are_sent_as_they_were_written(send, written, sent):
    async with serve(healthy()) as server:
        answer = await send(f"http://127.0.0.1:{server.port}{written}")
        assert answer.status == 200
        assert server.requests[0].path == sent


async def test_a_header_is_sent_once_however_its_name_is_spelled(send):
    async with serve(healthy()) as server:
        await send(server.url, X_Shop="a", x_shop="b", content_type="text/plain")
        [request] = server.requests
    names = [name.lower() for name, _ in request.headers]
    assert sorted(names) == ["content-length", "content-type", "host", "x-shop"]
    assert request.header("content-type") == "text/plain"


@pytest.mark.parametrize(
    ("userinfo", "pair"),
    [("user:pass", "dXNlcjpwYXNz"), ("us%40er:p%3Ass", "dXNAZXI6cDpzcw=="), (":key", "OmtleQ==")],
)
async def test_credentials_in_the_url_become_basic_authorization(send, userinfo, pair):
    async with serve(healthy()) as server:
        await send(server.url.replace("//", f"//{userinfo}@"))
        [request] = server.requests
    assert request.header("authorization") == f"Basic {pair}"
    assert request.header("host") == f"127.0.0.1:{server.port}"
    assert request.path == "/hook"


@pytest.mark.parametrize(
    "url", ["", "/path", "ftp://host/", "http://", "http://h:99999/", "http://[x/"]
)
async def test_what_is_no_url_is_an_error_when_the_channel_is_made(channels, definition, url):
    with pytest.raises(ValueError):  # noqa: PT011  (the words of several parsers)
        channels.channel_for(definition(url))


async def test_an_answer_is_told_in_full(send):
    kept = {"Retry_After": "7", "webhook_delivery": "abort-message", "Content_Type": "text/plain"}
    async with serve(healthy("503 Busy", b"later", **kept, X_Secret="no")) as server:
        answer = await send(server.url)
    assert isinstance(answer, Response)
    assert answer.status == 503
    assert answer.excerpt == b"later"
    assert answer.headers == {
        "retry-after": "7",
        "webhook-delivery": "abort-message",
        "content-type": "text/plain",
    }
    assert 0 < answer.took < 10_000_000


async def test_kept_headers_and_the_excerpt_are_bounded(send):
    long = healthy("500 Oops", b"x" * 50_000, Content_Type="é" + "t" * 5_000)
    async with serve(long) as server:
        answer = await send(server.url)
    assert answer.excerpt == b"x" * 2048
    assert len(answer.headers["content-type"]) == 1024
    assert answer.headers["content-type"].isascii()


async def test_a_compressed_body_is_not_shown(send):
    async with serve(healthy("400 No", b"\x1f\x8b\x08", Content_Encoding="gzip")) as server:
        assert (await send(server.url)).excerpt == b""


@pytest.mark.parametrize(
    ("behaviour", "status"), [(no_content, 204), (interim_first, 200), (until_closed, 200)]
)
async def test_any_well_formed_2xx_is_an_answer(send, behaviour, status):
    async with serve(behaviour) as server:
        assert (await send(server.url)).status == status


async def test_a_redirect_is_told_by_its_host_and_never_followed(send):
    async with serve(healthy()) as elsewhere, serve(redirect_to_itself) as here:
        moved = healthy("301 Moved", b"", Location=f"{elsewhere.url}?token=secret")
        async with serve(moved) as server:
            answer = await send(server.url)
        circle = await send(here.url)
        assert elsewhere.connections == 0
        assert len(here.requests) == 1
    assert (answer.status, circle.status) == (301, 302)
    assert answer.headers == {"location": f"//127.0.0.1:{elsewhere.port}"}


@pytest.mark.parametrize("answer", [healthy(), no_content, healthy(body=b"b" * 60_000)])
async def test_a_connection_is_used_again(send, answer):
    async with serve(answer) as server:
        for _ in range(5):
            await send(server.url, b"x" * 100_000)
        assert len(server.requests) == 5
        assert server.connections == 1


async def test_a_kept_connection_that_closed_before_a_byte_left_is_no_failure(send, monkeypatch):
    write, closing = Parcel.write, [False, True, False]

    async def late(parcel, writer):
        if closing.pop(0):
            writer.transport.close()
        await write(parcel, writer)

    monkeypatch.setattr(Parcel, "write", late)
    signed = {"webhook_signature": "v1,c2lnbmVk"}
    async with serve(healthy()) as server:
        url = server.url.replace("//", "//me:password@")
        assert (await send(url, **signed)).status == 200
        assert (await send(url, **signed)).status == 200
        assert (server.connections, len(server.requests)) == (2, 2)
    first, second = server.requests
    assert (second.headers, second.body) == (first.headers, first.body)
    assert second.header("webhook-signature") == "v1,c2lnbmVk"
    assert second.header("authorization")


async def test_a_new_connection_that_closes_before_a_byte_left_is_a_failure(send, monkeypatch):
    write, seen = Parcel.write, []

    async def late(parcel, writer):
        seen.append(parcel)
        writer.transport.close()
        await write(parcel, writer)

    monkeypatch.setattr(Parcel, "write", late)
    async with serve(healthy()) as server:
        answer = await send(server.url)
    assert (answer.kind, answer.sent, len(seen)) == ("reset", False, 1)


async def test_a_long_answer_is_cut_and_the_next_send_dials_anew(send):
    async with serve(healthy(body=b"b" * 20_000_000)) as server:
        for _ in range(2):
            assert (await send(server.url)).status == 200
        assert server.connections == 2
        await server.until(lambda: server.hung_up == 2)
        assert server.written == 0  # no answer was taken whole


@pytest.mark.parametrize("more", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 2"])
async def test_an_answer_nobody_asked_for_is_not_taken_for_the_next_ones(send, more):
    async with serve(answer_then_more(more)) as server:
        assert (await send(server.url)).status == 200
        server.again = True
        server.changed()
        async with asyncio.timeout(2):  # well before an idle connection is closed
            await server.until(lambda: server.hung_up == 1)
        assert (await send(server.url)).status == 200
        assert len(server.requests) == 2


@pytest.mark.parametrize(("interim", "kind"), [(16, Response), (17, TransportFailure)])
async def test_a_few_interim_answers_are_skipped_and_no_more(send, interim, kind):
    head = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * interim
    async with serve(raw(head + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as server:
        assert isinstance(await send(server.url), kind)


async def test_cookies_are_not_kept(send):
    async with serve(healthy(Set_Cookie="a=b; Path=/")) as server:
        await send(server.url)
        await send(server.url)
        assert server.requests[1].header("cookie") is None


async def test_the_environment_names_no_proxy(send, monkeypatch):
    async with serve(healthy()) as proxy, serve(healthy()) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert (await send(server.url)).status == 200
        assert proxy.connections == 0


async def test_sixty_four_sends_at_once_take_sixty_four_connections(send):
    async with serve(healthy()) as server:
        answers = await asyncio.gather(*(send(server.url) for _ in range(64)))
        assert {answer.status for answer in answers} == {200}
        assert server.connections == 64


async def test_tls_works_with_an_authority_we_trust(definition, outbound, certificate, trusting):
    async with serve(healthy(), tls=certificate) as server, Channels(tls=trusting) as channels:
        url = server.url.replace("127.0.0.1", "localhost")
        channel = channels.channel_for(definition(url))
        for _ in range(2):
            assert (await channel.send(outbound())).status == 200
        assert server.connections == 1
        assert server.requests[0].header("host") == f"localhost:{server.port}"


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_that_does_not_fit_is_a_tls_failure(
    definition, outbound, certificate, trusting, trusted
):
    async with (
        serve(healthy(), tls=certificate) as server,
        Channels(tls=trusting if trusted else None) as channels,
    ):
        answer = await channels.channel_for(definition(server.url)).send(outbound())
        assert server.requests == []
    assert (answer.kind, answer.sent) == ("tls", False)
    assert answer.detail.startswith("the certificate was refused: ")


async def test_a_cancelled_send_is_cancelled_and_hangs_up(send):
    async with serve(hang_after_request) as server:
        task = asyncio.create_task(send(server.url))
        await server.until(lambda: len(server.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.until(lambda: server.hung_up == 1)


async def test_a_body_that_is_wanted_whole_comes_whole_up_to_its_limit(channels, definition):
    limit = 1024 * 1024
    for length, whole in ((0, None), (2, b"x" * 2), (limit, b"x" * limit), (limit + 1, None)):
        async with serve(healthy(body=b"x" * length)) as server:
            channel = channels.channel_for(definition(server.url, name=server.url))
            outbound = Outbound(headers={}, body=b"{}", timeout=10 * SECOND, whole=limit)
            answer = await channel.send(outbound)
        assert (answer.status, answer.body) == (200, whole)
        assert answer.excerpt == b"x" * min(length, 2048)


async def test_what_a_target_that_is_no_responder_says_is_not_kept_whole(send):
    async with serve(healthy(body=b"short")) as server:
        answer = await send(server.url)
    assert (answer.body, answer.excerpt) == (None, b"short")
