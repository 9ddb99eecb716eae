"""What a batch of attempts has to know of its hooks, clients and deliveries."""

from collections.abc import Mapping
from dataclasses import field

from storehooks.domain.circuit import Circuit
from storehooks.domain.delivery import Delivery
from storehooks.domain.hook import Hook, HookKey
from storehooks.domain.rate import Reservation
from storehooks.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """What was read; what is missing does not exist."""

    hooks: Mapping[HookKey, Hook]
    secrets: Mapping[tuple[str, str], tuple[str, ...]]
    """Those that are valid now, the newest first, by store and client."""
    deliveries: Mapping[str, Delivery]
    circuits: Mapping[HookKey, Circuit]
    reserved: Mapping[str, Reservation] = field(default_factory=dict)
    """The places of deliveries that the log has, by id."""
