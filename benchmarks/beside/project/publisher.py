"""The application's process: it registers two hooks, then publishes what its input asks for.

``python -m benchmarks.beside.project.publisher URL`` takes lines of JSON, ``{"hook": "healthy", "numbers":
[1, 2]}``, publishes these events in one transaction, and writes ``committed`` when that is committed and
``published`` when what the package does after that is done.
"""

import base64
import json
import os
import sys
from collections.abc import Sequence

import django
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from benchmarks.beside.project import celery_app  # noqa: F401 - before the tasks, which take the app that is there

django.setup()


def main() -> None:
    if settings.PEER == "django-outbound-webhooks":
        prepare, publish = prepare_outbound_webhooks, publish_outbound_webhooks
    else:
        prepare, publish = prepare_webhook2, publish_webhook2
    if sys.argv[1:]:
        call_command("migrate", verbosity=0)
        prepare(sys.argv[1])
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        with transaction.atomic():
            transaction.on_commit(lambda: print("committed", flush=True))
            publish(asked["hook"], asked["numbers"])
        print("published", flush=True)


def prepare_outbound_webhooks(url: str) -> None:
    from django_outbound_webhooks import register_endpoint

    secret = base64.b64encode(os.environb[b"SECRET"]).decode()
    for hook, event_name in (("healthy", "shop.OrderPlaced"), ("hanging", "shop.ParcelSent")):
        register_endpoint(name=hook, url=f"{url}/{hook}", secret=secret, event_names=[event_name])


def publish_outbound_webhooks(hook: str, numbers: Sequence[int]) -> None:
    from django_domain_events import fire

    from benchmarks.beside.project.shop.events import OrderPlaced, ParcelSent

    event = OrderPlaced if hook == "healthy" else ParcelSent
    for number in numbers:
        fire(event(type="order", id=250, number=number))


def prepare_webhook2(url: str) -> None:
    from django_webhook.api import Webhook, WebhookSecret, WebhookTopic

    for hook, topic in (("healthy", "shop.Order/create"), ("hanging", "shop.Parcel/create")):
        webhook = Webhook.objects.create(url=f"{url}/{hook}")
        webhook.topics.set([WebhookTopic.objects.get(name=topic)])
        WebhookSecret.objects.create(webhook=webhook, token=os.environ["SECRET"])


def publish_webhook2(hook: str, numbers: Sequence[int]) -> None:
    """As its documentation has it for writes of many rows, which send no signal."""
    from django_webhook.api import CREATE, emit_events

    from benchmarks.beside.project.shop.models import Order, Parcel

    model = Order if hook == "healthy" else Parcel
    emit_events([model(id=number, type="order", number=number) for number in numbers], CREATE)


if __name__ == "__main__":
    main()
