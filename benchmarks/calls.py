"""What operations cost of AWS: their calls, and DynamoDB's capacity units for ordinary items."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.measure import Measure, print_measures
from benchmarks.metered import Metered, metered

_STORE = "5ueh97"
_EVENTS = 10  # of a full batch


def measure() -> list[Measure]:
    with metered() as aws:
        from tests.integration.conftest import Functions

        functions = Functions()
        try:
            return [
                Measure(
                    name=name,
                    value=len(spent.calls),
                    unit=f"calls ({', '.join(sorted(set(spent.calls)))})",
                    reach=fewest,
                    compared=spent.as_detail,
                )
                for name, fewest, run in _operations(aws, functions)
                for spent in [aws.spent(run)]
            ]
        finally:
            functions.close()


def _operations(aws: Metered, functions: Any) -> Iterator[tuple[str, int | None, Callable[[], object]]]:
    """Each operation with the fewest calls it can be done with; the next one finds what it has done."""
    from tests.integration.conftest import Client, load_event

    from storehooks_cli.access import AccessTables

    token = AccessTables("TokensTable", "ClientsTable", dynamodb=aws.aws.dynamodb).create_token(_STORE)
    client = Client(functions, _STORE, token.client_id)
    headers = {"X-Custom-Auth-Header": "a-secret-of-some-length"}
    authorizer = load_event("authorizer") | {"authorizationToken": token.access_token}
    yield (
        "Authorize a token that is not in the gateway's memory",
        1,
        lambda: functions.handler("authorizer")(authorizer, None),
    )
    # An id that no two hooks get, and the hook with its guard and in its client's list.
    yield "Create a hook", 2, lambda: client.create(headers=headers, is_active=True)
    yield "Get a hook", 1, lambda: client.get(1)
    # Which hooks the client has, and they themselves.
    yield "List hooks", 2, client.list
    # What it is, and what it is to be.
    yield "Update a hook", 2, lambda: client.update(1, is_active=False)
    moved = "https://app.example.com/moved"
    yield "Update a hook's destination", 2, lambda: client.update(1, destination=moved)
    # And that the store has one hook less, in no transaction: its clients would conflict.
    yield "Delete a hook", 3, lambda: client.delete(1)
    event = {"scope": "store/order/created", "data": {"type": "order", "id": 250}, "store_id": 1025646}
    yield "Publish one event", 1, lambda: _publish(functions, [event])
    # SQS takes ten messages a call.
    yield "Publish 100 events", 10, lambda: _publish(functions, [event] * 100)
    with _receiver() as (url, response):
        hooks = [_create(client, f"{url}/{number}") for number in range(_EVENTS)]
        # A query for each scope that an event may have been subscribed to by; one message a delivery.
        yield (
            "Match 10 events of a store, each for 10 hooks",
            3 + 10,
            lambda: _work(functions, "match_events", event_records(_EVENTS, one_store=True)),
        )
        yield (
            "Match 10 events of ten stores without hooks",
            3 * 10,
            lambda: _work(functions, "match_events", event_records(_EVENTS, one_store=False)),
        )
        # All that is known of the ten in one read, all that is new in one write.
        yield (
            "Deliver 10, each to a hook of its own",
            2,
            lambda: _work(functions, "deliver", _delivery_records(hooks, client.client_id, "a")),
        )
        response[0] = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
        # A condition on each; their circuit; the next attempts; once in ten minutes the event of the failure:
        # to claim it, send it to the client's hooks and to the bus, and confirm it.
        yield (
            "Deliver 10 to one hook, that fail",
            1 + 10 + 1 + 4 + 1,
            lambda: _work(functions, "deliver", _delivery_records(hooks[:1] * 10, client.client_id, "b")),
        )
        # The events of ten destinations could be one call; it happens once in ten minutes.
        yield (
            "Deliver 10, each to a hook of its own, that fail",
            None,
            lambda: _work(functions, "deliver", _delivery_records(hooks, client.client_id, "c")),
        )


def _create(client: Any, destination: str) -> int:
    status, hook = client.create(destination=destination, is_active=True)
    assert status == 201, hook
    return int(hook["id"])


def _publish(functions: Any, events: list[dict[str, Any]]) -> None:
    from tests.integration.conftest import load_event

    request = load_event("publish_events") | {"body": json.dumps(events)}
    status, response = functions.invoke("publish_events", request)
    assert status == 202, response


def event_records(number: int, *, one_store: bool) -> list[dict[str, Any]]:
    from tests.integration.conftest import load_event

    _, record = load_event("match_events")["Records"]
    body = json.loads(record["body"])
    records = []
    for position in range(number):
        store = _STORE if one_store else f"store{position}"
        detail = {**body["detail"], "store_hash": store, "scope": "store/order/created"}
        envelope = {**body, "id": f"event-{position}", "detail-type": "store/order/created", "detail": detail}
        records.append(record | {"messageId": f"message-{position}", "body": json.dumps(envelope)})
    return records


def _delivery_records(hooks: list[int], client_id: str, round_name: str) -> list[dict[str, Any]]:
    from tests.integration.conftest import load_event

    (record,) = load_event("deliver")["Records"]
    records = []
    for number, hook_id in enumerate(hooks):
        task = json.loads(record["body"])
        delivery_id = f"msg_{round_name * 8}{number:024x}"
        task |= {"hook_id": hook_id, "client_id": client_id, "delivery_id": delivery_id}
        task["delivery"] |= {"hook_id": hook_id, "client_id": client_id, "id": delivery_id}
        records.append(record | {"messageId": f"message-{delivery_id}", "body": json.dumps(task)})
    return records


def _work(functions: Any, function: str, records: list[dict[str, Any]]) -> None:
    failed = functions.handler(function)({"Records": records}, None)
    assert failed == {"batchItemFailures": []}, failed


@contextmanager
def _receiver() -> Iterator[tuple[str, list[bytes]]]:
    """A destination, and in a list what it answers."""
    from tests.integration.receivers import OK, Receiver

    response = [OK]

    def behave(connection: Any) -> None:
        while connection.read_request():
            connection.send(response[0])

    with Receiver(behave, None) as receiver:
        yield receiver.url("/hooks"), response


if __name__ == "__main__":
    print_measures(measure())
