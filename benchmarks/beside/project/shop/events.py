"""What django-outbound-webhooks sends: an event for the healthy hook, and one for the hook that hangs."""

from dataclasses import dataclass

from django_domain_events import event


@event(name="shop.OrderPlaced")
@dataclass(frozen=True, slots=True)
class OrderPlaced:
    type: str
    id: int
    number: int


@event(name="shop.ParcelSent")
@dataclass(frozen=True, slots=True)
class ParcelSent:
    type: str
    id: int
    number: int
