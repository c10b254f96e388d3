"""A Bot API server on loopback that behaves like Telegram's, as far as it is needed.

One method is one function of a bot and its parameters in ``METHODS``, async or not; it returns the
result, or raises ``No`` for an error answer. ``script`` makes the next answers something else.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

from aiohttp import web
from msgspec import Struct, field

from hookgram.demo.waiting import Terminated, Waiting

PORTS = {None, 80, 88, 443, 8443}
LONGEST_SECRET = 256
LARGEST_REQUEST = 4 * 1024 * 1024
LONGEST_POLL = 50.0
MOST_UPDATES = 100

Parameters: TypeAlias = dict[str, str]


class No(Exception):
    """An error answer. ``retry_after`` goes into its parameters and its header."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        self.code = code
        self.description = description
        self.retry_after = retry_after
        super().__init__(description)


class Raw(Struct, frozen=True, kw_only=True):
    """An answer that is not the Bot API's. ``delay``: seconds before it, or before a true one."""

    status: int = 200
    body: bytes | None = b"<html>502 Bad Gateway</html>"
    """None: the true answer, late."""
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


Scripted: TypeAlias = No | Raw


class FakeBot(Struct, kw_only=True):
    """One bot as the server keeps it; tests change it as they like."""

    bot_id: int
    username: str = "demo_gateway_bot"
    reads_groups: bool = False
    url: str = ""
    secret: str = ""
    connections: int = 0
    allowed: list[str] | None = None
    pending: int = 0
    error: str | None = None
    error_at: int = 0
    certificate: bool = False
    synchronization_error_at: int = 0
    next_set: float = 0.0
    """When setWebhook is allowed again: once a second."""
    waiting: Waiting = field(default_factory=Waiting)
    """The updates that wait for somebody who polls."""


def _get_me(bot: FakeBot, _: Parameters) -> Any:
    return {
        "id": bot.bot_id,
        "is_bot": True,
        "first_name": bot.username,
        "username": bot.username,
        "can_join_groups": True,
        "can_read_all_group_messages": bot.reads_groups,
    }


def _get_webhook_info(bot: FakeBot, _: Parameters) -> Any:
    info: dict[str, Any] = {
        "url": bot.url,
        "has_custom_certificate": bot.certificate,
        "pending_update_count": bot.pending + len(bot.waiting),
    }
    if bot.error_at:
        info |= {"last_error_date": bot.error_at, "last_error_message": bot.error}
    if bot.connections:
        info["max_connections"] = bot.connections
    if bot.url:
        info["ip_address"] = "203.0.113.7"
    if bot.allowed is not None:
        info["allowed_updates"] = bot.allowed
    if bot.synchronization_error_at:
        info["last_synchronization_error_date"] = bot.synchronization_error_at
    return info


def _set_webhook(bot: FakeBot, given: Parameters) -> Any:
    url = given.get("url", "")
    if not url:
        return _delete_webhook(bot, given)
    if time.monotonic() < bot.next_set:
        raise No(429, "Too Many Requests: retry after 1", retry_after=1)
    bot.next_set = time.monotonic() + 1
    secret = given.get("secret_token", "")
    if len(secret) > LONGEST_SECRET:
        raise No(400, "Bad Request: secret token is too long")
    if not secret.replace("_", "").replace("-", "").isalnum() and secret:
        raise No(400, "Bad Request: secret token contains unallowed characters")
    _check_url(url)
    if given.get("drop_pending_updates") == "true":
        bot.pending = 0
    bot.waiting.terminate("setWebhook request")
    bot.url, bot.secret, bot.error, bot.error_at = url, secret, None, 0
    bot.connections = min(max(int(given.get("max_connections", "40")), 1), 100)
    bot.certificate = False
    if "allowed_updates" in given:
        bot.allowed = json.loads(given["allowed_updates"]) or None
    return True


def _check_url(url: str) -> None:
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme != "https":
        raise No(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if parts.port not in PORTS:
        raise No(
            400,
            "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        )


def _delete_webhook(bot: FakeBot, given: Parameters) -> Any:
    if given.get("drop_pending_updates") == "true":
        bot.pending = 0
    bot.url, bot.secret, bot.connections, bot.error, bot.error_at = "", "", 0, None, 0
    bot.certificate = False
    return True


async def _get_updates(bot: FakeBot, given: Parameters) -> Any:
    if bot.url:
        raise No(
            409,
            "Conflict: can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first",
        )
    if "allowed_updates" in given:
        bot.allowed = json.loads(given["allowed_updates"]) or None
    bot.waiting.confirm(int(given.get("offset", "0")))
    try:
        await bot.waiting.for_any(min(float(given.get("timeout", "0")), LONGEST_POLL))
    except Terminated as by:
        raise No(409, f"Conflict: terminated by {by}") from None
    updates = bot.waiting.first(min(max(int(given.get("limit", "100")), 1), MOST_UPDATES))
    return Raw(
        body=b'{"ok":true,"result":[' + b",\n".join(updates) + b"]}",
        headers={"Content-Type": "application/json"},
    )


def _send(_: FakeBot, given: Parameters) -> Any:
    try:
        chat = int(given["chat_id"])
    except (KeyError, ValueError):
        raise No(400, "Bad Request: chat_id is empty") from None
    return {"message_id": 1, "date": int(time.time()), "chat": {"id": chat, "type": "private"}}


def _do(_bot: FakeBot, _given: Parameters) -> Any:
    return True


Method: TypeAlias = Callable[[FakeBot, Parameters], Any]

METHODS: dict[str, Method] = {
    "getme": _get_me,
    "getwebhookinfo": _get_webhook_info,
    "setwebhook": _set_webhook,
    "deletewebhook": _delete_webhook,
    "getupdates": _get_updates,
    "sendmessage": _send,
    "senddocument": _send,
    "answercallbackquery": _do,
    "answerinlinequery": _do,
    "sendchataction": _do,
}
"""By their names in lower case: the server does not mind how they are written."""


class FakeBotApi:
    """The server. ``bots`` are those it knows, by token; ``calls`` are those made, in order."""

    def __init__(self, *tokens: str) -> None:
        self.bots = {token: FakeBot(bot_id=int(token.partition(":")[0])) for token in tokens}
        self.calls: list[tuple[str, Parameters]] = []
        self.script: deque[Scripted] = deque()
        self.ahead = 0.0
        """Seconds that its clock is ahead."""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.router.add_route("*", "/bot{token}/{method}", self._answer)
        app.on_response_prepare.append(self._stamp)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _stamp(self, _: web.Request, answer: web.StreamResponse) -> None:
        moment = time.gmtime(time.time() + self.ahead)
        answer.headers["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", moment)

    async def _answer(self, request: web.Request) -> web.Response:
        given = {name: _text(value) for name, value in (await _parameters(request)).items()}
        method = request.match_info["method"].lower()
        self.calls.append((method, given))
        try:
            scripted = self.script.popleft() if self.script else None
            if isinstance(scripted, No):
                raise scripted
            if scripted is not None:
                await asyncio.sleep(scripted.delay)
                if scripted.body is not None:
                    return _raw(scripted)
            result = await self._call(request, method, given)
            return (
                _raw(result) if isinstance(result, Raw) else _said({"ok": True, "result": result})
            )
        except No as no:
            return _error(no)

    async def _call(self, request: web.Request, method: str, given: Parameters) -> Any:
        bot = self.bots.get(request.match_info["token"])
        if bot is None:
            raise No(401, "Unauthorized")
        if method not in METHODS:
            raise No(404, "Not Found: method not found")
        result = METHODS[method](bot, given)
        return await result if inspect.isawaitable(result) else result


def _raw(raw: Raw) -> web.Response:
    return web.Response(status=raw.status, body=raw.body, headers=raw.headers)


async def _parameters(request: web.Request) -> dict[str, Any]:
    """Read what is given, in any of the ways the server takes it."""
    if request.content_type != "application/json":
        return {**request.query, **await request.post()}
    try:
        body = await request.json()
    except ValueError:
        body = None
    return {**request.query, **(body if isinstance(body, dict) else {})}


def _text(value: Any) -> str:
    if isinstance(value, web.FileField):
        return value.filename
    return value if isinstance(value, str) else json.dumps(value)


def _error(no: No) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": no.code, "description": no.description}
    if no.retry_after is None:
        return _said(body, no.code)
    body["parameters"] = {"retry_after": no.retry_after}
    return _said(body, no.code, {"Retry-After": str(no.retry_after)})


def _said(
    body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    return web.json_response(body, status=status, headers=headers)
