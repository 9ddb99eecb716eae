"""The model of deliveries in memory: what the flows ask of their ports fails."""

from functools import partial

from hypothesis.stateful import run_state_machine_as_test as run

from storehooks.domain.due import DueBatch, DueFailure
from storehooks.domain.errors import StoreBusyError, StoreFailedError
from tests.conftest import sequences
from tests.delivery_model import Deliveries, check_figures
from tests.fakes import contexts, delivery_log, once
from tests.fakes.account import Account
from tests.fakes.held_watches import HeldWatches
from tests.fakes.hooks import Hooks
from tests.faults import OF_PORTS
from tests.function_modules import built_by

# What is asked for while an event is matched, a batch is delivered, and a sweep is made.
METHODS = {
    f"{fake.__name__}.{name}": (fake, name, getattr(fake, name))
    for fake, names in {
        Hooks: ("find", "subscribers", "deactivate", "get", "change"),
        delivery_log.DeliveryLog: (
            "get", "waiting", "first_kept_until", "has_reached",
            "save", "save_reserved", "save_delivered", "end_waiting", "begin_round",
        ),
        delivery_log.Selections: ("count", "pending", "next_of"),
        delivery_log.DueDeliveries: ("take_due", "release"),
        delivery_log.Circuits: ("get", "count_failures", "count_success", "claim_probe"),
        delivery_log.Lines: ("reserve",),
        delivery_log.Recoveries: ("get", "create", "save"),
        HeldWatches: ("begin", "move", "end"),
        contexts.DeliveryContexts: ("read",),
        once.EventIds: ("remember",),
        once.Claims: ("claim", "confirm"),
        once.Leases: ("take",),
    }.items()
    for name in names
}  # fmt: skip


class DeliveriesInMemory(Deliveries):
    calls = tuple(METHODS)

    def __init__(self, monkeypatch) -> None:
        super().__init__(Account(), monkeypatch)

    def invoke(self, name, event):
        return built_by(name)(self.world.parts)(event, None)["statusCode"]

    def patch(self, patched, call, fault, around):
        fake, name, method = METHODS[call]
        if name != "take_due":
            patched.setattr(fake, name, around(method, OF_PORTS[fault]))
            return

        def take_due(due, until):
            """It raises nothing: what fails is in a batch."""
            try:
                yield from around(lambda *given: list(method(*given)), OF_PORTS[fault])(due, until)
            except (StoreBusyError, StoreFailedError) as error:
                yield DueBatch([], [DueFailure(error, {})])

        patched.setattr(fake, name, take_due)


def test_whatever_happens_each_delivery_is_made_or_accounted_for(monkeypatch):
    Deliveries.figures.clear()
    run(partial(DeliveriesInMemory, monkeypatch), settings=sequences(100, steps=40))
    check_figures()
