"""Signs what we send: Standard Webhooks 1.0.0 and the gateway's own plain HMAC."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """Return the Standard Webhooks key: what ``whsec_`` holds, else the secret's own bytes.

    A ``whsec_`` secret whose rest is no base64 counts as a plain one; settings warn of it.
    """
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


def receiver_secret(secret: str) -> str:
    """Return the ``whsec_`` form that Standard Webhooks libraries want."""
    return PREFIX + base64.b64encode(key_of(secret)).decode()


def sign(secrets: Sequence[str], *, event_id: str, timestamp: int, body: bytes) -> str:
    """Return ``webhook-signature``: one ``v1,…`` for each secret, separated by spaces."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(key_of(secret), signed, hashlib.sha256) for secret in secrets)
    return " ".join("v1," + base64.b64encode(digest).decode() for digest in digests)


def gateway_signature(secret: str, body: bytes) -> str:
    """Return ``X-Gateway-Signature``: hex HMAC-SHA256 of the body, keyed by the literal bytes."""
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()
