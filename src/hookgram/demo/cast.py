"""The three sample targets of the demo and how they behave."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from hookgram.demo.receiver import Behaviour, Request, Response

REFUSED_EACH = 100
FAILED_EACH = 6
REFUSAL = b'{"error":"this order is closed for good"}'


class Part(Struct, frozen=True):
    """A sample target: its name, what it is like, and what it answers."""

    name: str
    manner: str
    behaviour: Behaviour


class _Known(Struct):
    update_id: int | None = None


def _crm(_: Request) -> Response:
    return Response()


def _shop(request: Request) -> Response:
    """Fail some first tries, and refuse some updates for good, unless they are replayed."""
    number = msgspec.json.decode(request.body, type=_Known).update_id or 0
    if number % REFUSED_EACH == 0 and "x-gateway-replay" not in request.headers:
        return Response(status=410, body=REFUSAL)
    if number % FAILED_EACH == 1 and request.headers.get("x-gateway-attempt") == "1":
        return Response(status=500, body=b'{"error":"try again"}')
    return Response(delay=0.02)


def _billing(_: Request) -> Response:
    return Response(delay=0.01)


CRM = Part("crm", "takes everything", _crm)
SHOP = Part("shop", "fails now and then", _shop)
BILLING = Part("billing", "is down for a while", _billing)
CAST = (CRM, SHOP, BILLING)
