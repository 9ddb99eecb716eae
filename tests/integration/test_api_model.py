"""The hooks API against a plain model of it, by sequences of requests that hypothesis makes up.

Several clients of two stores create, change, list and delete hooks, repeat requests, and make
them at once: a request is then broken into between two of its calls to AWS by another one, so
that each interleaving that is tried can be tried again. In between processes are started anew or
end in the middle of a request, the clock jumps, and failures switch hooks off.
"""

import copy
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from storehooks.adapters.hook_ids import number_of
from storehooks.adapters.hooks_table import HooksTable, _digest_attribute
from storehooks.api.v2 import hook_to_v2
from storehooks.domain.errors import CallerError
from storehooks.domain.hook import MAX_HOOKS_PER_SCOPE
from storehooks.domain.identity import Caller
from tests.conftest import sequences
from tests.faults import Fault, Killed, around_aws
from tests.integration.conftest import Client, Functions
from tests.integration.earlier_release import EarlierHooksTable
from tests.integration.interleaving import broken_into
from tests.integration.rights import ROLES

pytestmark = pytest.mark.toolchain  # a long search

logger = logging.getLogger(__name__)

FUNCTIONS = ("create_hook", "get_hook", "list_hooks", "update_hook", "delete_hook")
SCOPES = ("store/order/*", "store/order/created", "store/channel/7/cart/*")
# Two spellings of each: they are one destination.
DESTINATIONS = tuple(
    (spelling, number)
    for number in range(12)
    for spelling in (f"https://app.example.com/{number}", f"https://APP.example.com:443/{number}")
)
IDENTITIES = dict(DESTINATIONS)
# Two spellings of one, too, and none.
FILTERS = (
    None,
    {"data": {"id": [{"numeric": [">", 5]}], "type": ["order"]}},
    {"data": {"type": ["order"], "id": [{"numeric": [">", 5]}]}},
    {"data": {"id": [1]}},
)
CLIENTS = (("5ueh97", "a" * 32), ("5ueh97", "b" * 32), ("other1", "a" * 32))
NO_HOOK = 999
MAX_HOOKS_PER_CLIENT = 13
"""One scope, and a bit of another. The quota of a store is not used up here: it is not exact."""
A_ROLLBACK = 24 * 3600

type Hooks = dict[tuple[str, int], dict[str, Any]]
type Answer = tuple[int, Any]


@dataclass(frozen=True)
class Request:
    """Something that a client asks for, or that failures bring about (``deactivate``)."""

    kind: str
    client: int
    hook_id: int = NO_HOOK
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def store_and_client(self) -> tuple[str, str]:
        return CLIENTS[self.client]


class Model:
    """What the API promises, in as few words as there are."""

    def __init__(self) -> None:
        self.hooks: Hooks = {}
        self.last_ids = {store: 0 for store, _ in CLIENTS}

    def of(self, client: int) -> list[dict[str, Any]]:
        store, client_id = CLIENTS[client]
        owned = [
            hook for (of, _), hook in self.hooks.items() if (of, hook["client_id"]) == (store, client_id)
        ]
        return sorted(owned, key=lambda hook: hook["id"])

    def explains(self, request: Request, response: Answer, now: int) -> bool:
        """Whether this is the answer to expect of the request; what it changes is changed here."""
        status, body = response
        if request.kind == "create":
            hook = {
                "headers": None,
                "is_active": False,
                **request.fields,
                "created_at": iso(now),
                "updated_at": iso(now),
            }
            return self._is_created(request, shown(hook), status, body)
        store, _ = request.store_and_client
        old = next((hook for hook in self.of(request.client) if hook["id"] == request.hook_id), None)
        if request.kind == "deactivate":
            return self._is_deactivated(old, status, now)
        if old is None:
            return status == 404
        if request.kind == "delete":
            del self.hooks[store, old["id"]]
            return response == (200, old)
        new = old | request.fields | {"updated_at": max(iso(now), old["updated_at"])}
        if new.get("filter", ()) is None:
            del new["filter"]
        if "is_active" in request.fields:
            new.pop("deactivated_at", None)
            new.pop("deactivation_reason", None)
        self._pause(new, old)
        if (refusal := self._refusal(new, old)) is not None:
            return refusal(status, body)
        self.hooks[store, old["id"]] = shown(new)
        return response == (200, shown(new))

    def _pause(self, new: dict[str, Any], old: dict[str, Any]) -> None:
        """Since when a hook is paused: since it was, or since its owner switched it off in between."""
        if not new.pop("is_paused", False):
            new.pop("paused_at", None)
            return
        is_off_now = not new["is_active"] and "deactivated_at" not in new
        was_off = not old["is_active"] and "deactivated_at" not in old
        if "paused_at" not in new or (is_off_now and not was_off):
            new["paused_at"] = new["updated_at"]
        new["is_paused"] = True

    def _is_created(self, request: Request, hook: dict[str, Any], status: int, body: Any) -> bool:
        store, client_id = request.store_and_client
        hook |= {"store_hash": store, "client_id": client_id}
        if (refusal := self._refusal(hook, None)) is not None:
            return refusal(status, body)
        if status != 201 or body["id"] <= self.last_ids[store]:
            return False
        hook["id"] = self.last_ids[store] = body["id"]
        self.hooks[store, hook["id"]] = hook
        return body == hook

    def _is_deactivated(self, old: dict[str, Any] | None, status: int, now: int) -> bool:
        if old is None or not old["is_active"]:
            return status == 409
        at = max(iso(now), old["updated_at"])
        old |= {
            "is_active": False,
            "updated_at": at,
            "deactivated_at": at,
            "deactivation_reason": "it failed",
        }
        return status == 200

    def _refusal(self, new: dict[str, Any], old: dict[str, Any] | None) -> Callable[[int, Any], bool] | None:
        """Why a hook may not be so: how the answer then looks."""
        beside = [
            hook
            for (store, _), hook in self.hooks.items()
            if hook is not old
            and (store, hook["client_id"], hook["scope"])
            == (new["store_hash"], new["client_id"], new["scope"])
        ]
        for hook in beside:
            if identity(hook) == identity(new):
                return lambda status, body: status == 409 and body[0]["details"]["id"] == hook["id"]
        if len(beside) >= MAX_HOOKS_PER_SCOPE:
            return lambda status, _: status == 403
        if old is None and len(self.of(CLIENTS.index((new["store_hash"], new["client_id"])))) >= (
            MAX_HOOKS_PER_CLIENT
        ):
            return lambda status, body: status == 403 and body[0]["details"] == {
                "quota": "max_hooks_per_client", "limit": MAX_HOOKS_PER_CLIENT
            }  # fmt: skip
        return None


def identity(hook: dict[str, Any]) -> tuple[int, Any]:
    """What no two hooks of a client's scope have in common."""
    return IDENTITIES[hook["destination"]], hook.get("filter")


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def shown(hook: dict[str, Any]) -> dict[str, Any]:
    """A hook as a response has it: a filter and a rate only if there is one."""
    absent = [("filter", None), ("max_per_second", None)]
    return {name: value for name, value in hook.items() if (name, value) not in absent}


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


clients = st.integers(0, len(CLIENTS) - 1)
destinations = st.sampled_from([spelling for spelling, _ in DESTINATIONS])
fields = {
    "scope": st.sampled_from(SCOPES),
    "destination": destinations,
    "headers": st.none() | st.dictionaries(st.sampled_from(["X-A", "X-B"]), st.just("1")),
    "is_active": st.booleans(),
    "filter": st.sampled_from(FILTERS),
    "max_per_second": st.sampled_from([None, 0.1, 2.5, 1000]),
    "is_paused": st.booleans(),
}


def new_hooks_with(*optional: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"scope": fields["scope"], "destination": destinations},
        optional={name: fields[name] for name in optional},
    )


new_hooks = new_hooks_with("headers", "is_active", "filter", "max_per_second")
changes = st.fixed_dictionaries({}, optional=fields).filter(bool)


class HooksApi(RuleBasedStateMachine):
    """Requests as they come, and the model beside them."""

    figures: ClassVar[Counter[str]] = Counter()

    def __init__(self, aws, monkeypatch) -> None:
        super().__init__()
        self.figures["sequences"] += 1
        self.aws = aws
        self.monkeypatch = monkeypatch
        self.model = Model()
        self.now = 1_795_428_000
        self.last: Request | None = None
        aws.empty("HooksTable")
        self.hooks = HooksTable("HooksTable", dynamodb=aws.dynamodb, clock=self.clock)
        self.earlier = EarlierHooksTable("HooksTable", dynamodb=aws.dynamodb, clock=self.clock)
        self.a_cold_start()

    def clock(self) -> float:
        return self.now

    @rule()
    def a_cold_start(self):
        """All processes are new; nothing may be kept in them."""
        functions = Functions(clock=self.clock, sleep=lambda _: None)
        self.clients = [Client(functions, *of) for of in CLIENTS]
        self.v3_clients = [Client(functions, *of, version="v3") for of in CLIENTS]

    # ------------------------------------------------------------ requests

    def known_id(self, data: st.DataObject, client: int) -> int:
        """Mostly one of the client's own hooks, at times a stranger's or none."""
        own = [hook["id"] for hook in self.model.of(client)]
        any_of = sorted({hook_id for _, hook_id in self.model.hooks})
        return data.draw(st.sampled_from(own * 4 + any_of + [NO_HOOK]))

    def drawn(self, data: st.DataObject) -> Request:
        client = data.draw(clients)
        if data.draw(st.booleans()):
            return Request("create", client, fields=data.draw(new_hooks))
        return self.drawn_change(data, client, self.known_id(data, client))

    def drawn_change(self, data: st.DataObject, client: int, hook_id: int) -> Request:
        kind = data.draw(st.sampled_from(["update", "update", "delete", "deactivate"]))
        return Request(kind, client, hook_id, data.draw(changes) if kind == "update" else {})

    def made(self, request: Request) -> Answer:
        client = self.clients[request.client]
        match request.kind:
            case "create":
                return client.create(**request.fields)
            case "update":
                return client.update(request.hook_id, **request.fields)
            case "delete":
                return client.delete(request.hook_id)
        store, client_id = request.store_and_client
        hook = self.hooks.find(store, request.hook_id)
        is_owned = hook is not None and hook.client_id == client_id and hook.is_active
        return (200 if is_owned and self.hooks.deactivate(hook, "it failed") else 409), None

    @rule(data=st.data())
    def a_request(self, data):
        self.last = self.drawn(data)
        assert self.model.explains(self.last, self.made(self.last), self.now)

    @precondition(lambda self: self.last)
    @rule()
    def the_same_request_again(self):
        assert self.model.explains(self.last, self.made(self.last), self.now)

    @rule(client=clients, scope=fields["scope"])
    def a_client_that_wants_more_than_it_may_have(self, client, scope):
        """In one scope or, the rule being drawn again, in all."""
        for destination, _ in DESTINATIONS[::2]:
            request = Request("create", client, fields={"scope": scope, "destination": destination})
            assert self.model.explains(request, self.made(request), self.now)

    @rule(data=st.data(), call=st.integers(0, 1), way=st.sampled_from(["killed before", "killed after"]))
    def a_request_whose_process_ends(self, data, call, way):
        """Nobody hears of it; it was done whole or not at all, and the next process knows which."""
        request, fault = self.drawn(data), Fault("", call, way, lasts=False)
        with self.monkeypatch.context() as patched:
            around_aws(patched, partial(fault.meet, 0))
            try:
                response = self.made(request)
            except Killed:
                response = None
                self.figures["ended in the middle"] += 1
        if response is not None:
            assert self.model.explains(request, response, self.now)
            return
        self.a_cold_start()
        shown = [client.list()[1] for client in self.clients]
        if shown == [self.model.of(client) for client in range(len(CLIENTS))]:
            return
        assert self.model.explains(request, self.answer_unheard(request, shown[request.client]), self.now)
        self.each_client_sees_its_own_hooks_and_nothing_else()

    def answer_unheard(self, request: Request, shown: list[dict[str, Any]]) -> Answer:
        """What it would have been answered, had it been, when it took effect."""
        before = {hook["id"]: hook for hook in self.model.of(request.client)}
        match request.kind:
            case "create":
                (hook,) = [hook for hook in shown if hook["id"] not in before]
                return 201, hook
            case "delete":
                return 200, before[request.hook_id]
        return 200, next(hook for hook in shown if hook["id"] == request.hook_id)

    @rule(data=st.data(), call=st.integers(0, 2))
    def two_requests_at_once(self, data, call):
        self.check_at_once(self.drawn(data), self.drawn(data), call)

    @precondition(lambda self: self.model.hooks)
    @rule(data=st.data(), call=st.integers(1, 2))
    def two_changes_of_a_hook_at_once(self, data, call):
        (store, hook_id), hook = data.draw(st.sampled_from(sorted(self.model.hooks.items(), key=repr)))
        owner = CLIENTS.index((store, hook["client_id"]))
        first, second = (self.drawn_change(data, owner, hook_id) for _ in range(2))
        self.check_at_once(first, second, call)

    def check_at_once(self, first: Request, second: Request, call: int) -> None:
        """The second comes when the first has made so many calls; it is as if one came after the other."""
        responses = self.at_once(first, second, call)
        self.figures["at once"] += 1
        both = list(zip((first, second), responses, strict=True))
        orders = [both, both[::-1]]
        if first.kind == "deactivate" and responses[0][0] == 409:
            orders.append(both[1:])  # its owner has changed it meanwhile, and is right
        shown = [client.list() for client in self.clients]
        for order in orders:
            model = copy.deepcopy(self.model)
            if all(model.explains(*one, self.now) for one in order) and shown == [
                (200, model.of(client)) for client in range(len(CLIENTS))
            ]:
                self.model = model
                return
        raise AssertionError(f"no order of {first} and {second} explains {responses}")

    def at_once(self, first: Request, second: Request, call: int) -> tuple[Answer, Answer]:
        return broken_into(self.monkeypatch, lambda: self.made(first), lambda: self.made(second), call)[:2]

    @rule(
        data=st.data(), new=st.lists(st.tuples(clients, new_hooks_with("headers", "is_active")), max_size=4)
    )
    def a_rollback(self, data, new):
        """An earlier release, without quotas and filters, creates and deletes hooks for a while."""
        self.figures["rollbacks"] += 1
        for client, fields in new:
            caller = Caller(*CLIENTS[client], frozenset())
            try:
                hook = self.earlier.create(caller, **fields)
            except CallerError:
                continue
            self.model.hooks[caller.store_hash, hook.id] = hook_to_v2(hook)
            self.model.last_ids[caller.store_hash] = hook.id
        for (store, hook_id), hook in list(self.model.hooks.items()):
            if data.draw(st.sampled_from([True, False, False])):
                self.earlier.delete(Caller(store, hook["client_id"], frozenset()), hook_id)
                del self.model.hooks[store, hook_id]
        self.now += A_ROLLBACK

    @rule(by=st.sampled_from([1, 3600, -600]))
    def the_clock_jumps(self, by):
        self.now += by

    # ------------------------------------------------------------ what is seen

    @rule(data=st.data(), client=clients)
    def a_look_at_a_hook(self, data, client):
        hook_id = self.known_id(data, client)
        hook = self.model.hooks.get((CLIENTS[client][0], hook_id))
        is_own = hook is not None and hook["client_id"] == CLIENTS[client][1]
        status, body = self.clients[client].get(hook_id)
        assert (status, body) == (200, hook) if is_own else status == 404

    @rule(client=clients, size=st.integers(1, 4))
    def a_walk_through_the_pages(self, client, size):
        walked: list[dict[str, Any]] = []
        number = 1
        while page := self.clients[client].list(page=number, limit=size)[1]:
            assert len(page) <= size
            walked += page
            number += 1
        assert walked == self.model.of(client)

    @rule(client=clients, is_active=st.none() | st.booleans(), scope=st.none() | fields["scope"])
    def a_filtered_list_of_the_third_version(self, client, is_active, scope):
        wanted = {"is_active": is_active and str(is_active).lower(), "scope": scope}
        query = {name: value for name, value in wanted.items() if value}
        if is_active is False:
            query["is_active"] = "false"
        status, body = self.v3_clients[client].list(**query)
        expected = [
            hook
            for hook in self.model.of(client)
            if is_active in (None, hook["is_active"]) and scope in (None, hook["scope"])
        ]
        assert status == 200
        assert body["meta"]["pagination"]["total"] == len(expected)
        for shown, hook in zip(body["data"], expected, strict=True):
            times = {name: seconds(hook[name]) for name in hook if name.endswith("_at")}
            assert shown == hook | times | {"events_history_enabled": False}

    @rule()
    def each_client_sees_its_own_hooks_and_nothing_else(self):
        for client, caller in enumerate(self.clients):
            assert caller.list() == (200, self.model.of(client))

    def teardown(self) -> None:
        """No hook was lost on the way, and what the table says beside the hooks agrees with them."""
        self.each_client_sees_its_own_hooks_and_nothing_else()
        for store, scope in {(store, scope) for store, _ in CLIENTS for scope in SCOPES}:
            matched = [
                hook
                for (of, _), hook in sorted(self.model.hooks.items())
                if (of, hook["scope"]) == (store, scope) and (hook["is_active"] or "deactivated_at" in hook)
            ]
            assert [hook_to_v2(hook) for hook in self.hooks.subscribers(store, scope)] == matched
        for client, (store, client_id) in enumerate(CLIENTS):
            ids = [hook["id"] for hook in self.model.of(client)]
            assert self.hooks.ids(Caller(store, client_id, frozenset())) == ids
        guards: dict[str, dict[str, str]] = {}
        for store, hook_id in self.model.hooks:
            hook = self.hooks.find(store, hook_id)
            key = f"guard#{store}#{hook.client_id}#{hook.scope}"
            guards.setdefault(key, {})[_digest_attribute(hook)] = str(hook_id)
        for item in self.aws.scan("HooksTable"):
            key = item["store_hash"]["S"]
            if "last_id" in item:
                hooks = sum(store == key for store, _ in self.model.hooks)
                assert number_of(item, "last_id") - number_of(item, "gone") >= hooks
            if key.startswith("guard#"):
                held = guards.get(key, {})
                taken = {name: value["N"] for name, value in item.items() if name.startswith("d_")}
                assert (taken, int(item["number"]["N"])) == (held, len(held))


def test_any_sequence_of_requests_is_answered_as_the_model_says(aws, monkeypatch):
    HooksApi.figures.clear()
    monkeypatch.setenv("MAX_HOOKS_PER_CLIENT", str(MAX_HOOKS_PER_CLIENT))
    # What failures bring about happens in no function here, and beside those that run.
    monkeypatch.setattr(ROLES, "refuse", lambda *_: None)
    run(partial(HooksApi, aws, monkeypatch), settings=sequences(8, steps=25))
    logger.info("figures: %s", dict(HooksApi.figures))
