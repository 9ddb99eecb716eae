"""What ``match_events`` and ``deliver`` find around them in a measure: settings, hooks, clients, messages."""

import hashlib
import json
import os
from typing import Any

from benchmarks import alone
from benchmarks.peers import Tables, key_text
from storehooks.adapters.access import client_key
from storehooks.adapters.delivery_messages import to_message
from storehooks.adapters.hooks_table import hook_key, to_item
from storehooks.adapters.queue import as_body
from storehooks.composition import Handler
from storehooks.domain.delivery import Delivery, new_delivery
from storehooks.domain.event import Event
from storehooks.domain.hook import Hook
from storehooks.domain.task import attempt_task

SETTINGS = {
    "HOOKS_TABLE": "hooks",
    "CLIENTS_TABLE": "clients",
    "DELIVERIES_TABLE": "deliveries",
    "EVENT_IDS_TABLE": "event_ids",
    "DELIVERY_RETENTION_DAYS": "30",
    "DELIVERIES_QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/deliveries",
    "EVENTS_DEAD_LETTERS": "https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters",
    "EVENTS_QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/events",
    "EVENT_BUS": "bus",
    "RETRY_SCHEDULE": "60,180,300,600,900,1800,3600,7200,21600,50400,86400",
    "DELIVERY_TIMEOUT_SECONDS": "10",
    "ALLOW_PRIVATE_DESTINATIONS": "true",  # the receiver is on this machine
    "POWERTOOLS_SERVICE_NAME": "storehooks",
    "LOG_LEVEL": "INFO",
}
BATCH = 10
"""What Lambda gives a function of a queue at once, by template.yaml."""

SECRET = "bench-secret-5f0c3f6d2ba84d0f8b6f3b1c2f0e9a77"  # noqa: S105 - signs to nobody but the measure's receiver
_SCOPE = "store/order/created"
_ACCEPTED_AT = 1_795_428_000


def load(function: str, **given: Any) -> Handler:
    """A function's handler after a cold start with these settings, with these parts given."""
    os.environ |= SETTINGS
    return alone.load(function, **given)


def client_of(store_hash: str) -> str:
    """The one client of a store."""
    return hashlib.sha256(store_hash.encode()).hexdigest()[:32]


def hooks(number: int, stores: int, url: str) -> list[Hook]:
    """So many active hooks, of so many stores in turn."""
    return [
        Hook(
            id=position // stores + 1,
            store_hash=(store_hash := f"store{position % stores}"),
            client_id=client_of(store_hash),
            scope="store/order/*",
            destination=f"{url}/{store_hash}/{position}",
            headers={"Authorization": f"Bearer token-{position}"},
            is_active=True,
            created_at=_ACCEPTED_AT,
            updated_at=_ACCEPTED_AT,
        )
        for position in range(number)
    ]


def tables(registered: list[Hook]) -> Tables:
    """What the tables hold of these hooks and their clients."""
    clients = {
        key_text(key := client_key(hook.store_hash, hook.client_id)): {**key, "client_secret": {"S": SECRET}}
        for hook in registered
    }
    return Tables(
        items={
            "hooks": {key_text(hook_key(hook.store_hash, hook.id)): to_item(hook) for hook in registered},
            "clients": clients,
        }
    )


def event(hook: Hook, number: int, padding: str = "") -> Event:
    """An event that this hook is for."""
    data: dict[str, Any] = {"type": "order", "id": number} | ({"note": padding} if padding else {})
    return Event(
        id=f"order-{number}-created",
        has_given_id=False,
        publication=f"publication-{number}",
        store_hash=hook.store_hash,
        scope=_SCOPE,
        data=data,
        store_id="1025646",
        created_at=_ACCEPTED_AT,
        accepted_at=_ACCEPTED_AT * 1_000_000 + number,
    )


def deliveries(registered: list[Hook], number: int, padding: str = "") -> list[tuple[Delivery, Hook]]:
    """So many first attempts, each of an event of its own, for the hooks in turn."""
    made = []
    for position in range(number):
        hook = registered[position % len(registered)]
        of = event(hook, position, padding)
        made.append((new_delivery(of, of.payload(), hook), hook))
    return made


def record(message_id: str, body: str) -> dict[str, Any]:
    """A message as Lambda gives it to a function."""
    return {
        "messageId": message_id,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1795428000000",
            "ApproximateFirstReceiveTimestamp": "1795428000012",
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "awsRegion": "us-east-1",
    }


def delivery_record(delivery: Delivery) -> dict[str, Any]:
    """The message of a delivery's first attempt."""
    return record(delivery.id, as_body(to_message(attempt_task(delivery))))


def event_record(of: Event) -> dict[str, Any]:
    """The message of an event on the events queue: EventBridge's envelope."""
    detail = {
        "store_hash": of.store_hash,
        "scope": of.scope,
        "data": of.data,
        "store_id": of.store_id,
        "created_at": of.created_at,
    }
    envelope = {
        "version": "0",
        "id": of.publication,
        "detail-type": of.scope,
        "source": "com.example.shop",
        "account": "123456789012",
        "time": "2026-11-24T10:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }
    return record(of.publication, json.dumps(envelope))
