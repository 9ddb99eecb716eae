"""The hooks of all stores."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from storehooks.domain.errors import DuplicateHookError, HookNotFoundError, TooManyHooksError
from storehooks.domain.event_filter import check_filter
from storehooks.domain.hook import MAX_HOOKS_PER_SCOPE, HookFilter
from storehooks.domain.identity import Caller
from tests.contract.examples import NOW
from tests.world import STORE

CALLER = Caller(STORE, "a" * 32, frozenset())
STRANGERS = (Caller(STORE, "b" * 32, frozenset()), Caller("other1", "a" * 32, frozenset()))


@pytest.fixture
def hooks(parts):
    return parts.hooks


def create(hooks, path="", scope="store/order/*", *, caller=CALLER, **fields):
    return hooks.create(caller, scope=scope, destination=f"https://app.example.com/{path}", **fields)


def test_a_hook_is_read_as_it_was_created(hooks):
    hook = create(hooks, headers={"X-Mine": "ü"}, is_active=True)
    assert (hook.store_hash, hook.client_id, hook.version) == (STORE, CALLER.client_id, 1)
    assert hook.created_at == hook.updated_at == int(NOW)
    assert hooks.get(CALLER, hook.id) == hooks.find(STORE, hook.id) == hook


def test_a_stranger_neither_reads_changes_nor_deletes_it(hooks):
    hook = create(hooks)
    for stranger in STRANGERS:
        for act in (
            lambda stranger=stranger: hooks.get(stranger, hook.id),
            lambda stranger=stranger: hooks.update(stranger, hook.id, {"is_active": True}),
            lambda stranger=stranger: hooks.delete(stranger, hook.id),
        ):
            with pytest.raises(HookNotFoundError):
                act()
        assert hooks.ids(stranger) == []
    assert hooks.find(STORE, hook.id) == hook
    assert hooks.find("other1", hook.id) is None


def test_an_id_is_never_given_out_again(hooks):
    first = create(hooks)
    hooks.delete(CALLER, first.id)
    with pytest.raises(HookNotFoundError):
        hooks.get(CALLER, first.id)
    assert create(hooks).id > first.id


def test_two_stores_count_for_themselves(hooks):
    assert create(hooks).id == create(hooks, caller=STRANGERS[1]).id


# ---------------------------------------------------------------- uniqueness and quota


@pytest.mark.parametrize("same", ["https://app.example.com/x", "https://APP.example.com:443/x"])
def test_a_client_has_one_hook_for_a_scope_and_a_destination(hooks, same):
    hook = create(hooks, "x")
    with pytest.raises(DuplicateHookError) as error:
        hooks.create(CALLER, scope="store/order/*", destination=same)
    assert error.value.hook_id == hook.id
    create(hooks, "x", scope="store/order/created")
    create(hooks, "x", caller=STRANGERS[0])
    hooks.delete(CALLER, hook.id)
    hooks.create(CALLER, scope="store/order/*", destination=same)


def test_destinations_that_differ_in_the_case_of_an_escape_are_two(hooks):
    one, other = create(hooks, "a%2fb"), create(hooks, "a%2Fb")
    assert (one.destination, other.destination) == (
        "https://app.example.com/a%2fb",
        "https://app.example.com/a%2Fb",
    )
    assert hooks.ids(CALLER) == [one.id, other.id]


@pytest.mark.parametrize("change", [{"scope": "store/order/*"}, {"destination": "https://app.example.com/x"}])
def test_a_change_makes_no_duplicate(hooks, change):
    first = create(hooks, "x")
    second = create(hooks, **({"path": "x", "scope": "store/*"} if "scope" in change else {"path": "y"}))
    with pytest.raises(DuplicateHookError) as error:
        hooks.update(CALLER, second.id, change)
    assert error.value.hook_id == first.id
    assert hooks.get(CALLER, second.id) == second


def test_a_client_has_ten_hooks_of_a_scope(hooks):
    for number in range(MAX_HOOKS_PER_SCOPE):
        create(hooks, str(number))
    mover = create(hooks, "mover", scope="store/*")
    with pytest.raises(TooManyHooksError):
        create(hooks, "more")
    with pytest.raises(TooManyHooksError):
        hooks.update(CALLER, mover.id, {"scope": "store/order/*"})
    with pytest.raises(DuplicateHookError):
        create(hooks, "0")
    create(hooks, "more", caller=STRANGERS[0])
    hooks.update(CALLER, hooks.ids(CALLER)[0], {"destination": "https://app.example.com/elsewhere"})
    hooks.delete(CALLER, hooks.ids(CALLER)[0])
    assert hooks.update(CALLER, mover.id, {"scope": "store/order/*"}).scope == "store/order/*"


def test_of_many_creates_at_once_none_is_one_too_many(hooks):
    def create_one(number):
        try:
            return create(hooks, str(number // 2))
        except (DuplicateHookError, TooManyHooksError):
            return None

    with ThreadPoolExecutor(8) as threads:
        created = [hook for hook in threads.map(create_one, range(24)) if hook is not None]
    assert len(created) == MAX_HOOKS_PER_SCOPE
    assert len({hook.destination for hook in created}) == MAX_HOOKS_PER_SCOPE
    assert sorted(hook.id for hook in created) == hooks.ids(CALLER)


# ---------------------------------------------------------------- changes


def test_a_change_keeps_the_rest_and_counts(hooks, clock):
    hook = create(hooks, headers={"X-Mine": "1"})
    clock.now += 5
    changed = hooks.update(CALLER, hook.id, {"destination": "https://app.example.com/new", "headers": None})
    assert (changed.scope, changed.headers, changed.version) == (hook.scope, None, 2)
    assert (changed.created_at, changed.updated_at) == (int(NOW), int(NOW) + 5)
    assert hooks.get(CALLER, hook.id) == changed


def test_its_time_never_goes_back(hooks, clock):
    hook = create(hooks)
    clock.now -= 100
    assert hooks.update(CALLER, hook.id, {"is_active": True}).updated_at == hook.updated_at
    assert hooks.deactivate(hooks.find(STORE, hook.id), "it fails") is True
    assert hooks.find(STORE, hook.id).deactivated_at == hook.updated_at


def test_a_hook_is_deactivated_only_as_it_was_read(hooks):
    hook = create(hooks, is_active=True)
    changed = hooks.update(CALLER, hook.id, {"headers": {"X-New": "1"}})
    assert hooks.deactivate(hook, "it fails") is False
    assert hooks.deactivate(changed, "it fails") is True
    now = hooks.find(STORE, hook.id)
    assert (now.is_active, now.is_deactivated, now.deactivation_reason) == (False, True, "it fails")
    assert (now.headers, now.version) == ({"X-New": "1"}, 3)
    hooks.delete(CALLER, hook.id)
    assert hooks.deactivate(now, "it fails") is False
    assert hooks.find(STORE, hook.id) is None


@pytest.mark.parametrize("is_active", [True, False])
def test_its_owner_s_switch_ends_a_deactivation_and_another_change_does_not(hooks, is_active):
    hook = create(hooks, is_active=True)
    hooks.deactivate(hook, "it fails")
    assert hooks.update(CALLER, hook.id, {"headers": {}}).is_deactivated
    now = hooks.update(CALLER, hook.id, {"is_active": is_active})
    assert (now.is_active, now.deactivated_at, now.deactivation_reason) == (is_active, None, None)


# ---------------------------------------------------------------- lists


def test_subscribers_are_those_that_may_get_an_event_now_or_later(hooks):
    active, deactivated = create(hooks, "1", is_active=True), create(hooks, "2", is_active=True)
    hooks.deactivate(deactivated, "it fails")
    create(hooks, "3")
    create(hooks, "4", scope="store/order/created", is_active=True)
    other = create(hooks, "1", caller=STRANGERS[0], is_active=True)
    create(hooks, "1", caller=STRANGERS[1], is_active=True)
    found = hooks.subscribers(STORE, "store/order/*")
    assert found == [active, hooks.find(STORE, deactivated.id), other]
    hooks.update(CALLER, active.id, {"is_active": False})
    hooks.update(CALLER, deactivated.id, {"scope": "store/*"})
    assert hooks.subscribers(STORE, "store/order/*") == [other]


def test_pages_are_in_the_order_of_ids_and_filtered(hooks):
    mine = [create(hooks, str(number), is_active=number % 2 == 0) for number in range(5)]
    create(hooks, "1", caller=STRANGERS[0])
    assert hooks.ids(CALLER) == [hook.id for hook in mine]
    page = hooks.page(CALLER, skip=1, limit=2)
    assert (list(page.hooks), page.total) == (mine[1:3], None)
    page = hooks.page(CALLER, skip=1, limit=1, only=HookFilter(is_active=True), is_counted=True)
    assert (list(page.hooks), page.total) == ([mine[2]], 3)
    for only in (HookFilter(scope="store/*"), HookFilter(destination="https://app.example.com/9")):
        assert hooks.page(CALLER, skip=0, limit=9, only=only, is_counted=True).total == 0
    only = HookFilter(scope="store/order/*", destination=mine[3].destination)
    assert hooks.page(CALLER, skip=0, limit=9, only=only).hooks == (mine[3],)
    assert hooks.page(CALLER, skip=9, limit=9, is_counted=True).total == 5


# ---------------------------------------------------------------- rates


@pytest.mark.parametrize("rate", [0.1, 2.5, 5, 1000])
def test_a_hook_keeps_its_rate_until_it_is_removed(hooks, rate):
    hook = create(hooks, max_per_second=rate, is_active=True)
    found = hooks.get(CALLER, hook.id).max_per_second
    assert (found, type(found)) == (rate, type(rate))
    assert [one.max_per_second for one in hooks.subscribers(STORE, hook.scope)] == [rate]
    assert hooks.update(CALLER, hook.id, {"is_active": False}).max_per_second == rate
    assert hooks.update(CALLER, hook.id, {"max_per_second": 7}).max_per_second == 7
    assert hooks.update(CALLER, hook.id, {"max_per_second": None}).max_per_second is None
    assert hooks.get(CALLER, hook.id).max_per_second is None


# ---------------------------------------------------------------- filters

PAID = check_filter({"data": {"status": ["paid"]}})
SHIPPED = check_filter({"data": {"status": ["shipped"]}})


def test_a_hook_keeps_its_filter_until_it_is_removed(hooks):
    hook = create(hooks, filter=PAID, is_active=True)
    assert hooks.get(CALLER, hook.id).filter == PAID
    assert [one.filter for one in hooks.subscribers(STORE, hook.scope)] == [PAID]
    assert hooks.update(CALLER, hook.id, {"is_active": False}).filter == PAID
    assert hooks.update(CALLER, hook.id, {"filter": SHIPPED}).filter == SHIPPED
    assert hooks.update(CALLER, hook.id, {"filter": None}).filter is None
    assert hooks.get(CALLER, hook.id).filter is None


def test_hooks_of_one_scope_and_destination_differ_by_their_filters(hooks):
    without, paid = create(hooks), create(hooks, filter=PAID)
    with pytest.raises(DuplicateHookError) as caught:
        create(hooks, filter=check_filter({"data": {"status": ["paid"]}}))
    assert caught.value.hook_id == paid.id
    for changes in ({"filter": None}, {"filter": PAID}):
        other = create(hooks, filter=SHIPPED)
        with pytest.raises(DuplicateHookError):
            hooks.update(CALLER, other.id, changes)
        hooks.delete(CALLER, other.id)
    hooks.delete(CALLER, without.id)
    assert hooks.update(CALLER, paid.id, {"filter": None}).filter is None
    assert create(hooks, filter=PAID)


def test_filters_make_no_room_for_more_hooks_of_a_scope(hooks):
    for number in range(MAX_HOOKS_PER_SCOPE):
        create(hooks, filter=check_filter({"data": {"id": [number]}}))
    with pytest.raises(TooManyHooksError):
        create(hooks, filter=PAID)


# ---------------------------------------------------------------- pauses


def test_a_paused_hook_keeps_when_it_was_paused_and_still_gets_its_events(hooks, clock):
    hook = create(hooks, is_active=True)
    clock.now += 10
    paused = hooks.update(CALLER, hook.id, {"is_paused": True})
    assert paused.paused_at == int(clock.now)
    clock.now += 10
    assert hooks.update(CALLER, hook.id, {"is_paused": True, "is_active": True}).paused_at == paused.paused_at
    assert hooks.subscribers(STORE, hook.scope) == [hooks.get(CALLER, hook.id)]
    resumed = hooks.update(CALLER, hook.id, {"is_paused": False, "resumption": "rec_1"})
    assert (resumed.paused_at, resumed.resumption) == (None, "rec_1")
    assert hooks.get(CALLER, hook.id) == resumed


def test_a_hook_may_be_paused_from_the_start(hooks):
    hook = create(hooks, is_active=True, is_paused=True)
    assert hook.paused_at == hook.created_at
    assert hooks.get(CALLER, hook.id) == hook


def test_switching_a_hook_off_leaves_it_paused_and_what_was_held_before_to_no_resumption(hooks, clock):
    hook = create(hooks, is_active=True)
    hooks.update(CALLER, hook.id, {"is_paused": False, "resumption": "rec_1"})
    hooks.update(CALLER, hook.id, {"is_paused": True})
    clock.now += 10
    off = hooks.update(CALLER, hook.id, {"is_active": False})
    assert (off.paused_at, off.resumption) == (int(clock.now), None)
    clock.now += 10
    again = {"is_active": False, "is_paused": True}
    assert hooks.update(CALLER, hook.id, again).paused_at == off.paused_at, "sent back, it changes nothing"


def test_a_change_of_a_hook_that_was_read_is_made_only_over_that(hooks):
    read = create(hooks)
    changed = hooks.change(read, {"is_paused": True})
    assert hooks.get(CALLER, read.id) == changed
    assert (changed.is_paused, changed.version) == (True, 2)
    assert hooks.change(read, {"is_active": True, "scope": "store/*"}) is None
    assert hooks.get(CALLER, read.id) == changed
    hooks.delete(CALLER, read.id)
    assert hooks.change(changed, {"is_active": True}) is None
