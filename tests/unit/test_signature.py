"""Deliveries are signed as Standard Webhooks has it."""

import base64
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from storehooks.domain.signature import signature_headers

VECTOR = json.loads(Path(__file__).with_name("signature_vector.json").read_text())


def verifier(secret: str) -> Webhook:
    """A receiver's: it gives the library the base64 of the client's secret."""
    return Webhook(base64.b64encode(secret.encode()).decode())


def test_the_published_vector_is_met():
    headers = signature_headers(
        VECTOR["webhook-id"],
        VECTOR["body"].encode(),
        secrets=[VECTOR["client_secret"]],
        now=VECTOR["webhook-timestamp"] + 0.9,
    )
    assert headers == {
        "webhook-id": VECTOR["webhook-id"],
        "webhook-timestamp": str(VECTOR["webhook-timestamp"]),
        "webhook-signature": VECTOR["webhook-signature"],
    }


@given(
    secret=st.text("0123456789abcdef", min_size=64, max_size=64), data=st.dictionaries(st.text(), st.text())
)
def test_the_standard_library_of_receivers_accepts_it(secret, data):
    body = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
    headers = signature_headers("msg_1", body, secrets=[secret], now=time.time())
    assert verifier(secret).verify(body, headers) == json.loads(body)


def test_each_secret_makes_a_signature_and_the_standard_library_accepts_any_of_them():
    headers = signature_headers("msg_1", b"{}", secrets=["n" * 64, "o" * 64], now=time.time())
    first, second = headers["webhook-signature"].split(" ")
    for secret, signature in (("n" * 64, first), ("o" * 64, second)):
        assert verifier(secret).verify(b"{}", headers) == {}
        assert verifier(secret).verify(b"{}", headers | {"webhook-signature": signature}) == {}
    with pytest.raises(WebhookVerificationError):
        verifier("x" * 64).verify(b"{}", headers)


@pytest.mark.parametrize("change", ["webhook-id", "webhook-timestamp", "body"])
def test_what_was_changed_on_the_way_is_not_accepted(change):
    body = b'{"a":1}'
    headers = signature_headers("msg_1", body, secrets=["s" * 32], now=time.time())
    if change == "body":
        body += b" "
    else:
        headers[change] = headers[change][:-1] + ("2" if headers[change][-1] != "2" else "3")
    with pytest.raises(WebhookVerificationError):
        verifier("s" * 32).verify(body, headers)
