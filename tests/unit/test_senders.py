"""The senders that ``deliver`` is measured beside do for a message what it does."""

import base64
import json

import standardwebhooks
from benchmarks import deployment
from benchmarks.deliveries import SENDERS, SENT
from benchmarks.senders import SENDERS as LIKE_DELIVER
from benchmarks.senders import Message, Sent

from storehooks.adapters.hooks_table import hook_key

HOOK = deployment.hooks(1, 1, "https://localhost:8443")[0]
((DELIVERY, _),) = deployment.deliveries([HOOK], 1)
MESSAGE = Message(deployment.delivery_record(DELIVERY))


def test_they_read_the_messages_of_deliver():
    assert MESSAGE.typed_key() == hook_key(HOOK.store_hash, HOOK.id)
    assert MESSAGE.key == (HOOK.store_hash, HOOK.id)
    assert (MESSAGE.delivery_id, MESSAGE.payload) == (DELIVERY.id, DELIVERY.payload.encode())


def test_they_sign_as_deliver_does(monkeypatch):
    monkeypatch.setenv("SECRET", deployment.SECRET)
    headers = MESSAGE.headers({"Authorization": "Bearer of-the-hook"})
    key = base64.b64encode(deployment.SECRET.encode()).decode()
    verified = standardwebhooks.Webhook(key).verify(MESSAGE.payload, headers)
    assert verified == json.loads(DELIVERY.payload)
    assert headers["Authorization"] == "Bearer of-the-hook"


def test_they_log_the_payload_and_the_response_of_an_attempt():
    sent = Sent(MESSAGE, 503, b"busy" * 1000, since=0.0)
    assert sent.typed_item().keys() == sent.item.keys()
    assert (sent.item["payload"], sent.item["status"]) == (DELIVERY.payload, 503)
    assert len(sent.item["response"]) == 1024
    assert json.loads(sent.log_line())["delivery_id"] == DELIVERY.id


def test_each_sender_is_measured():
    assert SENT.keys() == SENDERS.keys() | LIKE_DELIVER.keys()
