"""How much of a client is under way at once: two pings, and two recoveries."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from storehooks.adapters.leases import Leases
from storehooks.domain.errors import QueueFailedError, StoreBusyError, TooManyAtOnceError
from storehooks.domain.lease import LEASE_SECONDS, MAX_PINGS, MAX_RECOVERIES, LeasePool
from storehooks.domain.recovery import MISSED, SILENT_SECONDS, RecoveryStatus
from storehooks.flows.ping import Pinger
from tests.integration.conftest import load_event
from tests.integration.interleaving import interleavings
from tests.world import STORE, World

CLIENT_ID = "40c672b9177b5d3a8dbfad24321be15d"
PINGS = LeasePool("pings", STORE, CLIENT_ID, MAX_PINGS)


@pytest.fixture
def world(aws):
    return World(aws)


@pytest.fixture
def leases(aws, world):
    return Leases("EventIdsTable", dynamodb=aws.dynamodb, clock=world.clock)


@pytest.fixture
def take(leases, world):
    """Takes a lease as a ping does."""

    def taken(holder: str, pool: LeasePool = PINGS):
        return leases.take(pool, holder, is_over=lambda lease: lease.ends_at <= world.clock.now)

    return taken


# ---------------------------------------------------------------- leases


def test_there_are_as_many_as_there_may_be_until_one_is_released(leases, take):
    first, second = take("a"), take("b")
    assert first
    assert second
    assert take("c") is None
    leases.release(PINGS, first)
    assert take("c")
    assert take("d") is None


def test_each_client_and_each_kind_of_work_has_leases_of_its_own(take):
    others = (
        LeasePool("pings", STORE, "f" * 32, 2),
        LeasePool("pings", "other1", CLIENT_ID, 2),
        LeasePool("recoveries", STORE, CLIENT_ID, 2),
    )
    for pool in (PINGS, *others):
        assert take("a", pool)
        assert take("b", pool)
        assert take("c", pool) is None


def test_a_lease_that_is_not_released_ends_by_itself(take, world):
    take("a")
    world.clock.now += LEASE_SECONDS - 1
    take("b")
    assert take("c") is None
    world.clock.now += 1
    assert take("c")
    assert take("d") is None, "b goes on"


def test_of_many_processes_at_once_as_many_get_one_as_may(aws, world):
    def take_one(number: int):
        leases = Leases("EventIdsTable", dynamodb=aws.dynamodb, clock=world.clock)
        return leases.take(PINGS, str(number), is_over=lambda lease: lease.ends_at <= world.clock.now)

    for _ in range(2):
        with ThreadPoolExecutor(16) as threads:
            taken = list(threads.map(take_one, range(50)))
        assert sum(lease is not None for lease in taken) == MAX_PINGS
        world.clock.now += LEASE_SECONDS


@pytest.mark.parametrize("are_over", [False, True])
def test_the_last_lease_is_given_once_wherever_one_request_breaks_into_another(
    aws, take, world, monkeypatch, are_over
):
    def begin():
        aws.empty("EventIdsTable")
        take("a")
        if are_over:
            take("b")
            world.clock.now += LEASE_SECONDS
            take("c")

    for given in interleavings(monkeypatch, begin, lambda: take("x"), lambda: take("y")):
        assert [lease is not None for lease in given].count(True) == 1
        assert take("z") is None


def test_a_lease_whose_response_was_lost_is_its_own_when_it_is_repeated(aws, take, monkeypatch):
    update = aws.dynamodb.update_item

    def twice(**given):
        update(**given)
        return update(**given)

    take("a")
    with monkeypatch.context() as patched:
        patched.setattr(aws.dynamodb, "update_item", twice)
        assert take("b")
    assert take("c") is None


def test_who_always_comes_second_is_told_to_try_again(aws, take, world, monkeypatch):
    take("a"), take("b")
    world.clock.now += LEASE_SECONDS
    update, numbers = aws.dynamodb.update_item, iter(range(100))

    def beside_another(**given):
        if "ADD" not in given["UpdateExpression"]:
            with monkeypatch.context() as patched:
                patched.setattr(aws.dynamodb, "update_item", update)
                item = {
                    "event_key": given["Key"]["event_key"],
                    "leases": {"SS": [f"1#{next(numbers)}", "1#x"]},
                }
                aws.dynamodb.put_item(TableName="EventIdsTable", Item=item)
        return update(**given)

    with monkeypatch.context() as patched:
        patched.setattr(aws.dynamodb, "update_item", beside_another)
        with pytest.raises(StoreBusyError):
            take("c")


# ---------------------------------------------------------------- pings


def test_a_third_ping_at_once_is_a_429_that_says_when_to_try_again(functions, world, leases, take):
    hook = world.hook("https://app.example.com/")
    functions.clock = world.clock
    functions.given = {"sender": world.parts.sender}
    event = load_event("ping_hook")
    event["pathParameters"]["id"] = str(hook.id)
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    pings = LeasePool("pings", STORE, hook.client_id, MAX_PINGS)
    first = take("a", pings)
    take("b", pings)
    response = functions.handler("ping_hook")(event, None)
    assert (response["statusCode"], response["headers"]["X-Retry-After"]) == (429, "5")
    assert "2 pings under way" in response["body"]
    assert world.sent == []
    leases.release(pings, first)
    for _ in range(5):
        assert functions.invoke("ping_hook", event)[0] == 200, "the lease of the one before was released"


def test_a_ping_that_ends_badly_or_whose_lease_stays_takes_a_place_for_no_longer(world, leases, monkeypatch):
    hook = world.hook()
    pinger = Pinger(secrets=world.parts.secrets, leases=leases, sender=world.parts.sender, clock=world.clock)
    with monkeypatch.context() as patched:
        patched.setattr(pinger, "_send", broken)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                pinger.ping(hook)
    with monkeypatch.context() as patched:
        patched.setattr(leases, "release", busy)
        for _ in range(MAX_PINGS):
            assert pinger.ping(hook)[1].succeeded, "what came of it is known all the same"
    with pytest.raises(TooManyAtOnceError):
        pinger.ping(hook)
    world.clock.now += LEASE_SECONDS
    pinger.ping(hook)


def broken(*_given):
    raise ZeroDivisionError


def busy(*_given):
    raise StoreBusyError


# ---------------------------------------------------------------- recoveries


def order(world, hook):
    return world.recovery_starter.start(hook, MISSED, 0, world.clock.now)


def held(world, hook, number: int = 1):
    """Deliveries that a recovery sends."""
    world.hooks.deactivate(world.current(hook), "it fails")
    for _ in range(number):
        world.event(hook)
    world.work()
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    return world.current(hook)


def test_a_third_recovery_at_once_is_a_429_and_one_that_has_ended_makes_room(functions, world):
    hooks = [world.hook(f"https://app.example.com/{number}") for number in range(3)]
    functions.clock = world.clock
    event = load_event("recover_deliveries")
    event["requestContext"]["authorizer"]["client_id"] = world.caller.client_id

    def ordered(hook):
        event["pathParameters"]["id"] = str(hook.id)
        response = functions.handler("recover_deliveries")(event, None)
        return response["statusCode"], response["headers"].get("X-Retry-After")

    assert order(world, hooks[0])
    assert ordered(hooks[1])[0] == 202
    assert ordered(hooks[2]) == (429, "60")
    world.work()
    assert ordered(hooks[2])[0] == 202


def test_a_refused_order_counts_nothing_and_leaves_nothing(aws, world):
    hook = world.hook()
    for _ in range(MAX_RECOVERIES):
        order(world, hook)
    before, items, tasks = len(aws.calls), aws.scan("DeliveriesTable"), world.queue.tasks
    with pytest.raises(TooManyAtOnceError):
        order(world, hook)
    assert aws.calls[before:] == ["UpdateItem", "GetItem", "GetItem"]
    assert (aws.scan("DeliveriesTable"), world.queue.tasks) == (items, tasks)


def test_a_recovery_keeps_its_place_by_its_steps_however_long_it_runs(world, monkeypatch):
    monkeypatch.setattr("storehooks.domain.state_machine.MAX_PENDING", 0)  # nothing gets further
    hook = held(world, world.hook())
    recoveries = [order(world, hook) for _ in range(MAX_RECOVERIES)]
    for _ in range(5):
        world.pass_time(SILENT_SECONDS)
        with pytest.raises(TooManyAtOnceError):
            order(world, hook)
    monkeypatch.undo()
    world.pass_time(SILENT_SECONDS)
    states = [world.recoveries.get(STORE, hook.id, one.id).status for one in recoveries]
    assert states == [RecoveryStatus.FINISHED] * MAX_RECOVERIES
    order(world, hook)


def test_a_recovery_that_is_gone_makes_room(world):
    """Its messages are lost, or are dead letters."""
    hook = world.hook()
    for _ in range(MAX_RECOVERIES):
        order(world, hook)
    world.queue.waiting.clear()
    world.clock.now += SILENT_SECONDS - 1
    with pytest.raises(TooManyAtOnceError):
        order(world, hook)
    world.clock.now += 1
    order(world, hook)


def test_an_order_that_fails_takes_no_place(world, monkeypatch):
    hook = world.hook()
    with monkeypatch.context() as patched:
        patched.setattr(world.queue, "fails", True)
        for _ in range(2 * MAX_RECOVERIES):
            with pytest.raises(QueueFailedError):
                order(world, hook)
    for _ in range(MAX_RECOVERIES):
        order(world, hook)


def test_an_order_whose_process_ends_before_it_is_stored_takes_a_place_for_no_longer_than_its_lease(
    world, monkeypatch
):
    hook = world.hook()
    with monkeypatch.context() as patched:
        patched.setattr(world.recoveries, "create", killed)
        for _ in range(MAX_RECOVERIES):
            with pytest.raises(SystemExit):
                order(world, hook)
    with pytest.raises(TooManyAtOnceError):
        order(world, hook)
    world.clock.now += LEASE_SECONDS
    order(world, hook)


def killed(*_given):
    raise SystemExit


def test_of_two_orders_at_once_for_the_last_place_one_is_taken(aws, world, monkeypatch):
    hook = world.hook()

    def begin():
        aws.empty("EventIdsTable", "DeliveriesTable")
        world.queue.waiting.clear()
        order(world, hook)

    def one():
        try:
            return order(world, hook)
        except TooManyAtOnceError:
            return None

    for given in interleavings(monkeypatch, begin, one, one):
        assert [recovery is not None for recovery in given].count(True) == 1


def test_a_table_that_fails_is_no_client_that_has_too_much(world, aws, monkeypatch):
    hook = world.hook()

    def fail(**_given):
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

    monkeypatch.setattr(aws.dynamodb, "update_item", fail)
    with pytest.raises(StoreBusyError):
        order(world, hook)
