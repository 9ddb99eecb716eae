"""What a million deliveries cost, from counted calls, sizes and dated prices; and a month of a stack.

A delivery that fails does so at every attempt of two days; in "5 % failing" one in twenty is such a one.
Each event is for one hook, has no id of its publisher's, and comes by the bus unless it is said otherwise.
Events and first attempts come in batches of ten; those of the retries are as small as fifty deliveries to
five hooks make them, so that failures look dear.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.template_file import parameter, template

from benchmarks.bill import constant_use_month, idle_month
from benchmarks.measure import Measure, print_measures
from benchmarks.metered import Metered, Spent, metered
from benchmarks.prices import (
    ASSUMED,
    GB,
    MILLION,
    MONTH_MINUTES,
    OTHERS,
    PRICE,
    dynamodb_price,
    lambda_price,
)
from storehooks.api.event_input import MAX_EVENTS
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.hook import Hook
from storehooks.domain.pull import MAX_PULLED

_TWO_DAYS_SECONDS = 2 * 24 * 60 * 60
_MONTH_SECONDS = MONTH_MINUTES * 60
_HOOKS, _DELIVERIES_OF_EACH = 5, 10
_MEMORY_MB: int = template()["Globals"]["Function"]["MemorySize"]
MAX_IDLE, MAX_IDLE_WITHOUT_DASHBOARD = 6.50, 3.50
# Of a million deliveries; elsewhere the cheapest of the others that can retry for 48 hours.
_REACHES = {"0 % failing": 2.95, "0 % failing, by HTTP in hundreds": 1.70, "5 % failing": 5.00}
# A new connection, as after hours there is none that was kept; and nginx's page for an error.
_TIMES = Times(name_lookup_ms=1.2, connect_ms=41.3, tls_ms=85.6, first_byte_ms=212.4, total_ms=212.5)
_ERROR_PAGE = (
    "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n"
    "<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class Work:
    """What a number of deliveries have come to, from the deliveries queue on."""

    deliveries: int
    attempts: int
    invocations: int
    sqs_requests: int
    bus_events: int
    sent_bytes: int
    spent: Spent

    def cost(self) -> dict[str, float]:
        """Of a million such deliveries, by service."""
        times = MILLION / self.deliveries
        calls = len(self.spent.calls) + self.sqs_requests
        # Its calls one after another, and the slowest destination of a batch once.
        milliseconds = (
            calls * ASSUMED["aws_call_ms"]
            + self.invocations * ASSUMED["destination_ms"]
            + self.attempts * ASSUMED["processor_ms_of_a_delivery"]
        )
        logged = self.spent.log_bytes + self.invocations * ASSUMED["log_bytes_of_an_invocation"]
        sent = self.sent_bytes + self.attempts * ASSUMED["request_bytes_beside_body"]
        return {
            "Lambda": times * lambda_price(self.invocations, milliseconds / 1000, _MEMORY_MB),
            "DynamoDB": times * dynamodb_price(self.spent.read_units, self.spent.write_units),
            # Each batch is received once and deleted once besides.
            "SQS": times * (self.sqs_requests + 2 * self.invocations) * _sqs(),
            "EventBridge": times * self.bus_events * PRICE["eventbridge_million_events"] / MILLION,
            "Logs": times * logged / GB * PRICE["logs_gb"],
            "X-Ray": times * _traces(self.invocations),
            "Data out": times * sent / GB * PRICE["data_out_gb"],
        }


def measure() -> list[Measure]:
    with metered() as aws:
        matching = _sum(_by_bus(), (1, _matching(aws, one_store=False)))
        # The events of a request are one store's, and so is a batch of them.
        of_one_store = _matching(aws, one_store=True)
        well, ill, held = _delivered(aws, response=200), _delivered(aws, response=503), _held(aws)
        pulled = _sum(_by_bus(), (1, _pulled(aws)))
        # Last, since the log's lines have a request's keys from then on.
        by_http = _sum(_by_http(aws), (1, of_one_store))
    ways = {
        f"{failing} % failing": _sum(matching, (1 - failing / 100, well), (failing / 100, ill))
        for failing in (0, 5, 100)
    }
    ways["0 % failing, by HTTP in hundreds"] = _sum(by_http, (1, well))
    # Two days after the first failure the hook is deactivated, and what comes then is held.
    tried = _TWO_DAYS_SECONDS / _MONTH_SECONDS
    ways["100 % failing all month"] = _sum(matching, (tried, ill), (1 - tried, held))
    ways["pulled in hundreds"] = pulled
    return [
        *(measure for way, cost in ways.items() for measure in _compared(way, cost)),
        _memory(),
        *by_the_month(),
    ]


def _sum(cost: Mapping[str, float], *shares: tuple[float, Mapping[str, float]]) -> dict[str, float]:
    """A cost, and shares of others, by service."""
    total = dict(cost)
    for share, other in shares:
        for name, part in other.items():
            total[name] = total.get(name, 0.0) + share * part
    return total


def _by_bus() -> dict[str, float]:
    """A million events from their publishers to the events queue, onto which the bus puts each by itself."""
    return {"EventBridge": PRICE["eventbridge_million_events"], "SQS": PRICE["sqs_million_requests"]}


def _by_http(aws: Metered) -> dict[str, float]:
    """The same, a hundred to a request whose token the gateway knows."""
    from tests.integration.conftest import Functions, load_event

    functions = Functions()
    request = load_event("publish_events")
    one, *_ = json.loads(request["body"])
    del one["id"]
    request["body"] = json.dumps([one] * MAX_EVENTS)
    spent = aws.spent(lambda: functions.invoke("publish_events", request))
    requests = MILLION / MAX_EVENTS
    milliseconds = len(spent.calls) * ASSUMED["aws_call_ms"] + ASSUMED["processor_ms_of_a_call"]
    logged = spent.log_bytes + ASSUMED["log_bytes_of_an_invocation"]
    return {
        "API Gateway": requests * PRICE["api_gateway_million_requests"] / MILLION,
        "SQS": requests * len(spent.calls) * _sqs(),
        "Lambda": requests * lambda_price(1, milliseconds / 1000, _MEMORY_MB),
        "Logs": requests * logged / GB * PRICE["logs_gb"],
        "X-Ray": _traces(requests),
    }


def _matching(aws: Metered, *, one_store: bool) -> dict[str, float]:
    """A million events from their queue to the deliveries queue. Ten stores to a batch: the dearest case."""
    from tests.integration.conftest import Functions

    from benchmarks.calls import event_records

    functions = Functions()
    event = {"Records": event_records(10, one_store=one_store)}
    spent = aws.spent(lambda: functions.handler("match_events")(event, None))
    batches = MILLION / 10
    milliseconds = len(spent.calls) * ASSUMED["aws_call_ms"]
    logged = spent.log_bytes + ASSUMED["log_bytes_of_an_invocation"]
    return {
        # Received, deleted, and ten deliveries sent on in one.
        "SQS": batches * (2 * PRICE["sqs_million_requests"] / MILLION + _sqs()),
        "Lambda": batches * lambda_price(1, milliseconds / 1000, _MEMORY_MB),
        "DynamoDB": batches * dynamodb_price(spent.read_units, spent.write_units),
        "Logs": batches * logged / GB * PRICE["logs_gb"],
        "X-Ray": batches * _traces(1),
    }


def _pulled(aws: Metered) -> dict[str, float]:
    """A million events from their queue to consumers, which acknowledge a hundred and get the next."""
    # Not above: it makes loggers, which are to write where the metered do.
    from tests.integration.conftest import Functions, load_event
    from tests.world import STORE

    from benchmarks.calls import event_records

    world = _world(aws, 200)
    hook = world.hook("pull:", "store/order/created")
    functions = Functions()
    match, pull = functions.handler("match_events"), functions.handler("pull_deliveries")
    batches = [event_records(10, one_store=True) for _ in range(MAX_PULLED // 10)]
    for number, records in enumerate(batches):
        for record in records:
            body = json.loads(record["body"])
            record["body"] = json.dumps(
                {**body, "id": f"{body['id']}-{number}", "detail": {**body["detail"], "store_hash": STORE}}
            )
    matched = aws.spent(lambda: [match({"Records": records}, None) for records in batches])
    request = load_event("pull_deliveries")
    request["pathParameters"]["id"] = str(hook.id)
    request["requestContext"]["authorizer"]["client_id"] = hook.client_id
    request["body"] = json.dumps({"max": MAX_PULLED})
    responses: list[Any] = []
    given_out = aws.spent(lambda: responses.append(pull(request, None)))
    data = json.loads(responses[0]["body"])["data"]
    if len(data) != MAX_PULLED:
        raise AssertionError(f"{len(data)} of {MAX_PULLED} were given out")
    request["body"] = json.dumps({"ack": [one["id"] for one in data]})
    acknowledged = aws.spent(lambda: pull(request, None))
    times = MILLION / MAX_PULLED
    # One pull does both: the hook and the secrets are read once, and once more to see that nothing waits.
    both = [given_out, acknowledged]
    # The function makes 16 calls at once.
    calls = 2 + sum(len(one.calls) for one in both) / 16
    milliseconds = calls * ASSUMED["aws_call_ms"] + MAX_PULLED * ASSUMED["processor_ms_of_a_call"]
    logged = sum(one.log_bytes for one in both) + ASSUMED["log_bytes_of_an_invocation"]
    matching = len(batches)
    of_matching = len(matched.calls) / matching * ASSUMED["aws_call_ms"] / 1000
    units = [matched, *both]
    return {
        "SQS": times * matching * 2 * PRICE["sqs_million_requests"] / MILLION,
        "Lambda": times
        * (
            matching * lambda_price(1, of_matching, _MEMORY_MB)
            + lambda_price(1, milliseconds / 1000, _MEMORY_MB)
        ),
        "DynamoDB": times
        * dynamodb_price(sum(one.read_units for one in units), sum(one.write_units for one in units)),
        "API Gateway": times * PRICE["api_gateway_million_requests"] / MILLION,
        "Logs": times
        * (logged + matched.log_bytes + matching * ASSUMED["log_bytes_of_an_invocation"])
        / GB
        * PRICE["logs_gb"],
        "X-Ray": times * _traces(matching + 1),
        "Data out": times * len(responses[0]["body"]) / GB * PRICE["data_out_gb"],
    }


def _delivered(aws: Metered, *, response: int) -> dict[str, float]:
    """Some deliveries with the schedule of two days, each in the time of its attempts."""
    world = _world(aws, response)
    hooks = [world.hook(f"https://app{number}.example.com/") for number in range(_HOOKS)]
    return _work(aws, world, hooks, _TWO_DAYS_SECONDS + 60 * 60)


def _held(aws: Metered) -> dict[str, float]:
    """Some deliveries to hooks that failures have deactivated."""
    world = _world(aws, 503)
    hooks = [world.hook(f"https://app{number}.example.com/") for number in range(_HOOKS)]
    for hook in hooks:
        world.hooks.deactivate(hook, "it failed for two days")
    return _work(aws, world, hooks, 1)


def _world(aws: Metered, response: int) -> Any:
    from tests.world import World

    aws.aws.empty("HooksTable", "DeliveriesTable", "EventIdsTable")
    world = World(aws.aws, parameter("RetrySchedule"))
    world.response = lambda _request: (response, None)
    wait = world.deliverer.sender.wait

    def wait_for_long(seconds: float) -> list[tuple[str, Attempt]]:
        """For destinations that take as long, and say as much, as they do."""
        attempts: list[tuple[str, Attempt]] = wait(seconds)
        return [
            (key, replace(one, times=_TIMES, response="" if one.succeeded else _ERROR_PAGE))
            for key, one in attempts
        ]

    world.deliverer.sender.wait = wait_for_long
    return world


def _work(aws: Metered, world: Any, hooks: list[Hook], seconds: float) -> dict[str, float]:
    batches = {"deliver": 0, "send": 0}
    deliver, send = world.deliver, world.queue.send

    def counting_deliver(taken: Any) -> Any:
        batches["deliver"] += 1
        return deliver(taken)

    def counting_send(orders: Any) -> None:
        batches["send"] += -(-len(orders) // 10)
        send(orders)

    world.deliver, world.queue.send = counting_deliver, counting_send
    for hook in hooks:
        for _ in range(_DELIVERIES_OF_EACH):
            world.event(hook)
    batches["send"] = 0  # these are of the matching
    spent = aws.spent(lambda: world.pass_time(seconds))
    return Work(
        deliveries=len(hooks) * _DELIVERIES_OF_EACH,
        attempts=len(world.sent),
        invocations=batches["deliver"],
        sqs_requests=batches["send"] + len(world.events_queue.envelopes),
        bus_events=world.bus.entries,
        sent_bytes=sum(len(request.body) for _, request in world.sent),
        spent=spent,
    ).cost()


def _compared(way: str, cost: Mapping[str, float]) -> list[Measure]:
    ours = round(sum(cost.values()), 2)
    theirs = {name: other["monthly"] + (other["per_million"] or 0.0) for name, other in OTHERS.items()}
    able = [theirs[name] for name, other in OTHERS.items() if other["retries_48_hours"]]
    parts = dict(sorted(cost.items(), key=lambda part: -part[1]))
    return [
        Measure(
            name=f"Cost per million deliveries, {way}",
            value=ours,
            unit="US$",
            reach=_REACHES.get(way, min(able)),
            compared={"storehooks": ours, **theirs},
            compared_unit="US$",
            detail={
                "reach": "our own"
                if way in _REACHES
                else "the cheapest of the others that can retry for 48 h",
                "can_retry_48_h": [name for name, other in OTHERS.items() if other["retries_48_hours"]],
            },
        ),
        Measure(
            name=f"What it goes to, {way}",
            value=ours,
            unit="US$",
            compared={name: round(part, 3) for name, part in parts.items() if part},
            compared_unit="US$",
        ),
    ]


def _memory() -> Measure:
    """How much a delivery's waiting costs at the memory that is set, and how much at the least there is."""
    seconds = (
        3 * ASSUMED["aws_call_ms"] + ASSUMED["destination_ms"] + 10 * ASSUMED["processor_ms_of_a_delivery"]
    ) / 1000
    processor = 10 * ASSUMED["processor_ms_of_a_delivery"] / 1000
    waits, second = seconds - processor, PRICE["lambda_gb_second_arm64"]
    # The processor's share grows with the memory, and what waits does not get faster.
    cost = {
        f"{memory} MB": round(MILLION / 10 * memory / 1024 * (waits + processor * 512 / memory) * second, 3)
        for memory in (128, 256, 512, 1024, 1769)
    }
    return Measure(
        name="Lambda's duration of a million deliveries, by the function's memory",
        value=cost["512 MB"],
        unit="US$",
        compared=cost,
        compared_unit="US$",
    )


def by_the_month() -> list[Measure]:
    """What a stack costs by the month, whatever it delivers."""
    return [
        _month("Idle, per month", idle_month(), MAX_IDLE),
        _month(
            "Idle, per month, without the dashboard",
            idle_month(HasDashboard="false"),
            MAX_IDLE_WITHOUT_DASHBOARD,
        ),
        _month("Metrics, alarms, key and dashboard, per month of constant use", constant_use_month()),
    ]


def _month(name: str, cost: Mapping[str, float], reach: float | None = None) -> Measure:
    return Measure(
        name=name,
        value=round(sum(cost.values()), 2),
        unit="US$",
        reach=reach,
        compared={name: round(part, 3) for name, part in cost.items() if part},
        compared_unit="US$",
    )


def _sqs() -> float:
    return (PRICE["sqs_million_requests"] + PRICE["sqs_million_fair_requests_more"]) / MILLION


def _traces(invocations: float) -> float:
    return invocations * ASSUMED["traced"] * PRICE["xray_million_traces"] / MILLION


if __name__ == "__main__":
    print_measures(measure())
