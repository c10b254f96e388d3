"""Signatures are judged by the reference library, not by our own verifying."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from hookgram.core.signing import gateway_signature, receiver_secret, sign

BODY = b'{"type":"message","data":{"n":1}}'
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLAIN = "a plain secret of somebody"


def headers(*secrets: str, event_id: str = "evt_1") -> dict[str, str]:
    now = int(datetime.now(UTC).timestamp())
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secrets, event_id=event_id, timestamp=now, body=BODY),
    }


@pytest.mark.parametrize("secret", [WHSEC, PLAIN])
def test_the_reference_library_verifies_what_config_prints_for_receivers(secret):
    verifier = Webhook(receiver_secret(secret))
    assert verifier.verify(BODY.decode(), headers(secret)) == {"type": "message", "data": {"n": 1}}


def test_another_secret_does_not_verify():
    with pytest.raises(WebhookVerificationError):
        Webhook(receiver_secret("another secret, as long")).verify(BODY.decode(), headers(PLAIN))


def test_each_of_two_secrets_verifies_during_a_rotation():
    signed = headers(WHSEC, PLAIN)
    assert len(signed["webhook-signature"].split(" ")) == 2
    for secret in (WHSEC, PLAIN):
        Webhook(receiver_secret(secret)).verify(BODY.decode(), signed)


def test_the_known_answer():
    signature = sign(
        [WHSEC], event_id="evt_01JD8Y3Z6Q4T9V5X7B2M1N0PKR", timestamp=1764000000, body=BODY
    )
    assert signature == "v1,70b626HvnPy+gGaw67act83fOnPrWdCv24p+y1VrGUg="


def test_the_receivers_form_of_a_plain_secret_holds_its_bytes():
    assert base64.b64decode(receiver_secret(PLAIN).removeprefix("whsec_")) == PLAIN.encode()
    assert receiver_secret(WHSEC) == WHSEC


@pytest.mark.parametrize("secret", [WHSEC, PLAIN])
def test_the_plain_signature_is_keyed_by_the_literal_bytes(secret):
    expected = hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()
    assert gateway_signature(secret, BODY) == expected
