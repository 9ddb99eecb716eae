"""The hooks, secrets, deliveries and circuits that a batch of attempts needs."""

from collections.abc import Mapping
from dataclasses import field

from storehooks.domain.circuit import Circuit
from storehooks.domain.delivery import Delivery
from storehooks.domain.hook import Hook, HookKey
from storehooks.domain.rate import Reservation
from storehooks.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """The items that were read. An item that is not here does not exist."""

    hooks: Mapping[HookKey, Hook]
    secrets: Mapping[tuple[str, str], tuple[str, ...]]
    """The secrets that are valid now, the newest first, by store and client."""
    deliveries: Mapping[str, Delivery]
    circuits: Mapping[HookKey, Circuit]
    reserved: Mapping[str, Reservation] = field(default_factory=dict)
    """The places that the log has, by delivery id."""
