"""Which hooks an event is for."""

import io
import json
import time

import pytest
from moto.backends import get_backend

from storehooks.api.operational_envelope import to_operational_envelope
from storehooks.domain.errors import QueueFailedError, StoreBusyError
from storehooks.flows import match
from tests.integration.conftest import Client, load_event


class Matching:
    """The function that matches, fed with entries of the bus; and what it put on the deliveries queue."""

    def __init__(self, aws, functions) -> None:
        self.aws = aws
        self.parts, self.handler = functions.parts("match_events"), functions.handler("match_events")
        self.number = 0

    def message(self, scope: str, store_hash: str = "5ueh97", **detail):
        """A message of the events queue, with an envelope of its own."""
        record = load_event("match_events")["Records"][0]
        self.number += 1
        envelope = json.loads(record["body"]) | {"id": f"envelope-{self.number}", "detail-type": scope}
        envelope["detail"] = {"store_hash": store_hash, "data": {"id": self.number}} | detail
        return record | {"messageId": f"message-{self.number}", "body": json.dumps(envelope)}

    def match(self, *messages) -> list[str]:
        """The ids of the messages that failed."""
        response = self.handler({"Records": list(messages)}, None)
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]

    def ordered(self) -> list[dict]:
        return [json.loads(message["Body"]) for message in self.aws.take("DeliveriesQueue")]

    def hooks_of(self, scope: str, **detail) -> list[int]:
        """The ids of the hooks that an event of this scope is delivered to."""
        assert self.match(self.message(scope, **detail)) == []
        return sorted(task["hook_id"] for task in self.ordered())


@pytest.fixture
def logged(monkeypatch):
    """Reads what was logged of events that were matched."""
    written = io.StringIO()
    monkeypatch.setattr(match.logger.registered_handler, "stream", written)

    def read():
        lines = map(json.loads, written.getvalue().splitlines())
        return [line for line in lines if line["message"] == "matched"]

    return read


@pytest.fixture
def matching(aws, functions):
    return Matching(aws, functions)


def active(client: Client, scope: str, path: str = "") -> int:
    """Create an active hook; its id."""
    destination = f"https://app.example.com/{path or scope}".replace("*", "all")
    status, hook = client.create(scope=scope, destination=destination, is_active=True)
    assert status == 201
    return hook["id"]


def test_an_event_is_for_its_own_scope_and_each_wildcard_above_it(client, matching):
    ids = [
        active(client, scope)
        for scope in ("store/cart/lineItem/created", "store/cart/lineItem/*", "store/cart/*", "store/*")
    ]
    others = [
        active(client, scope)
        for scope in ("store/cart/created", "store/order/*", "store/cart/lineItem/updated")
    ]
    assert matching.hooks_of("store/cart/lineItem/created") == ids
    assert matching.hooks_of("store/cart/created") == [*ids[2:], others[0]]


def test_a_hook_of_any_client_of_the_store_and_of_no_other_store_counts(
    client, other_client, functions, matching
):
    stranger = Client(functions, "other", client.client_id)
    mine, theirs = active(client, "store/order/*"), active(other_client, "store/order/*")
    active(stranger, "store/order/*")
    assert matching.hooks_of("store/order/created") == [mine, theirs]
    assert matching.hooks_of("store/order/created", store_hash="nobody") == []


def test_an_uninstalled_app_is_an_event_like_any_other_and_deletes_nothing(client, matching):
    """BigCommerce deletes the app's webhooks: docs/api-v3.md has the difference."""
    ids = [active(client, "store/app/uninstalled"), active(client, "store/order/*")]
    _, before = client.list()
    assert matching.hooks_of("store/app/uninstalled") == ids[:1]
    assert client.list()[1] == before
    assert matching.hooks_of("store/order/created") == ids[1:]


def test_only_active_hooks_count(client, matching):
    hook_id = client.create()[1]["id"]
    assert matching.hooks_of("store/order/created") == []
    client.update(hook_id, is_active=True)
    assert matching.hooks_of("store/order/created") == [hook_id]
    client.update(hook_id, is_active=False)
    assert matching.hooks_of("store/order/created") == []
    client.update(hook_id, is_active=True)
    client.delete(hook_id)
    assert matching.hooks_of("store/order/created") == []


def test_the_delivery_exception_is_matched_by_its_full_name_alone(client, matching):
    active(client, "store/*")
    named = active(client, "store/hook/deliveryException")
    assert matching.match(operational(matching, client)) == []
    assert [task["hook_id"] for task in matching.ordered()] == [named]


def operational(matching, client):
    """A message with an event of storehooks' own about a hook of a client."""
    detail = {"store_hash": client.store_hash, "data": {"type": "webhook", "id": 1, "error_code": 90001}}
    message = matching.message("store/hook/deliveryException")
    return message | {"body": json.dumps(to_operational_envelope(detail, client.client_id, 0))}


def test_an_event_about_a_hook_goes_to_the_hooks_of_its_client_alone(client, other_client, matching):
    mine = active(client, "store/hook/deliveryException")
    active(other_client, "store/hook/deliveryException")
    assert matching.match(operational(matching, client)) == []
    assert [task["hook_id"] for task in matching.ordered()] == [mine]


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"source": "storehooks.deliveries"},
        {"source": "storehooks.deliveries", "recipient": "40c672b9177b5d3a8dbfad24321be15d"},
        {"source": "storehooks.api", "client": "40c672b9177b5d3a8dbfad24321be15d"},
    ],
)
def test_an_entry_of_the_bus_that_claims_to_be_such_an_event_is_refused_as_an_unknown_scope_is(
    aws, client, matching, claims
):
    active(client, "store/hook/deliveryException")
    forged = matching.message("store/hook/deliveryException", data={"id": 1, "error_code": 90002})
    forged["body"] = json.dumps(json.loads(forged["body"]) | claims)
    unknown = matching.message("store/hook/unknown")
    assert matching.match(forged, unknown) == []
    assert matching.ordered() == []
    letters = aws.take("EventsDeadLetters")
    reasons = [letter["MessageAttributes"]["reason"]["StringValue"] for letter in letters]
    assert [reason.partition(" ")[0] for reason in reasons] == ["scope", "scope"]


def test_an_event_that_a_filter_leaves_out_is_not_sent_and_that_is_logged(client, matching, logged):
    for path, status in (("paid", ["paid"]), ("shipped", ["shipped"])):
        created, hook = client.create(
            scope="store/order/*",
            destination=f"https://app.example.com/{path}",
            is_active=True,
            filter={"data": {"status": status}},
        )
        assert created == 201
    assert matching.hooks_of("store/order/created", data={"status": "paid"}) == [hook["id"] - 1]
    (line,) = logged()
    assert (line["hooks"], line["filtered_out"]) == (1, [hook["id"]])


def test_events_of_a_batch_of_which_the_same_is_to_be_said_are_one_line(client, matching, logged):
    active(client, "store/order/*")
    scopes = ("store/order/created", "store/order/created", "store/order/updated")
    matching.match(*(matching.message(scope, id=f"id-{number}") for number, scope in enumerate(scopes)))
    joined, single = logged()
    assert (joined["scope"], joined["hooks"]) == ("store/order/created", 1)
    assert joined["event_ids"] == ["id-0", "id-1"]
    assert (single["scope"], single["hooks"]) == ("store/order/updated", 1)
    assert single["event_id"] == "id-2"


def test_an_event_that_a_filter_takes_too_long_for_is_sent_and_that_is_logged(client, matching, caplog):
    created, hook = client.create(
        scope="store/order/*",
        destination="https://app.example.com/",
        is_active=True,
        filter={"data": {"ids": [{"numeric": [">", 5]}]}},
    )
    assert created == 201
    assert matching.hooks_of("store/order/created", data={"ids": [1.5] * 10_000}) == [hook["id"]]
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert (record.getMessage().partition(":")[0], record.hook_ids) == ("sent unfiltered", [hook["id"]])


def test_channels_are_told_apart(client, matching):
    one, all_of_one = active(client, "store/channel/1/cart/created"), active(client, "store/channel/1/*")
    active(client, "store/channel/12/*")
    assert matching.hooks_of("store/channel/1/cart/created") == [one, all_of_one]


def test_the_task_carries_the_delivery_in_the_group_of_its_client(aws, client, matching):
    hook_id = active(client, "store/order/*")
    matching.match(
        matching.message("store/order/created", store_id=1025646, created_at=1561479335, id="mine")
    )
    (message,) = aws.take("DeliveriesQueue")
    assert message["Attributes"]["MessageGroupId"] == f"5ueh97#{client.client_id}"
    task = json.loads(message["Body"])
    assert (task["do"], task["hook_id"], task["attempt"]) == ("attempt", hook_id, 1)
    assert task["delivery"]["event_id"] == "mine"
    assert json.loads(task["delivery"]["payload"])["store_id"] == "1025646"


def test_matching_twice_makes_the_same_deliveries(client, matching):
    active(client, "store/order/*")
    for detail in ({}, {"id": "given"}):
        message = matching.message("store/order/created", **detail)
        matching.match(message)
        matching.match(message)
        first, second = matching.ordered()
        assert first == second


def test_a_given_id_is_published_once_in_a_day_and_then_again(client, functions, matching):
    hook_id = active(client, "store/order/*")
    assert matching.hooks_of("store/order/created", id="same") == [hook_id]
    assert matching.hooks_of("store/order/created", id="same") == []
    assert matching.hooks_of("store/order/updated", id="same") == [], "whatever else it says"
    assert matching.hooks_of("store/order/created", id="same", store_hash="other") == []
    now = time.time()
    functions.clock = lambda: now + 24 * 3600 + 1
    assert matching.hooks_of("store/order/created", id="same") == [hook_id]


def test_two_publications_of_one_id_in_one_batch_are_one(client, matching):
    active(client, "store/order/*")
    messages = [matching.message("store/order/created", id="same") for _ in range(3)]
    assert matching.match(*messages) == []
    assert len(matching.ordered()) == 1


def test_two_equal_events_without_ids_are_two(client, matching):
    active(client, "store/order/*")
    matching.match(*(matching.message("store/order/created", data={"id": 1}) for _ in range(2)))
    first, second = matching.ordered()
    assert first["delivery_id"] != second["delivery_id"]


def test_what_is_no_event_becomes_a_dead_letter_with_the_reason_and_the_rest_goes_on(aws, client, matching):
    hook_id = active(client, "store/order/*")
    event = load_event("match_events_invalid")
    assert matching.handler(event, None) == {"batchItemFailures": []}
    assert [task["hook_id"] for task in matching.ordered()] == [hook_id]
    letters = {
        message["Body"]: message["MessageAttributes"]["reason"]["StringValue"]
        for message in aws.take("EventsDeadLetters")
    }
    assert set(letters) == {event["Records"][0]["body"], "not JSON"}
    assert letters["not JSON"].startswith("message "), "the field that is invalid"
    refused = letters[event["Records"][0]["body"]]
    assert all(f"{field} " in refused for field in ("store_hash", "scope", "data"))


def test_a_reason_holds_nothing_that_sqs_refuses(aws, matching):
    matching.match(matching.message("store/order/created", **{"\x1b\ud800ü": 1}))
    (letter,) = aws.take("EventsDeadLetters")
    reason = letter["MessageAttributes"]["reason"]["StringValue"]
    assert reason.isascii()
    assert reason.isprintable()


def test_cost_grows_with_the_hooks_that_match_and_not_with_those_registered(aws, client, matching):
    for number in range(3):
        active(client, "store/order/*", path=str(number))
    few = counted(aws, matching)
    register(aws, 10_000)
    assert counted(aws, matching) == few == ["Query", "Query", "Query", "SendMessageBatch"]


def counted(aws, matching) -> list[str]:
    """The calls that one event costs."""
    message = matching.message("store/order/created")
    before = len(aws.calls)
    matching.match(message)
    calls = aws.calls[before:]
    with aws.uncounted():
        assert len(matching.ordered()) == 3
    return calls


def register(aws, number: int) -> None:
    """So many more active hooks of the same store, for other scopes."""
    table = get_backend("dynamodb")["123456789012"]["us-east-1"].tables["HooksTable"]
    with aws.uncounted():
        template = next(item for item in aws.scan("HooksTable") if "subscription" in item)
    before = len(table)
    for hook_id in range(1000, 1000 + number):
        scope = f"store/channel/{hook_id}/*"
        table.put_item(
            template
            | {
                "id": {"N": str(hook_id)},
                "scope": {"S": scope},
                "subscription": {"S": f"5ueh97#{scope}"},
            },
        )
    assert len(table) == before + number


def test_a_given_id_costs_one_write(aws, client, matching):
    active(client, "store/order/*")
    message = matching.message("store/order/created", id="given")
    before = len(aws.calls)
    matching.match(message)
    assert aws.calls[before:] == ["PutItem", "Query", "Query", "Query", "SendMessageBatch"]


def test_a_batch_of_one_store_and_scope_is_looked_up_once_and_sent_together(aws, client, matching):
    active(client, "store/order/*")
    messages = [matching.message("store/order/created") for _ in range(10)]
    before = len(aws.calls)
    matching.match(*messages)
    assert aws.calls[before:] == ["Query", "Query", "Query", "SendMessageBatch"]
    assert len(matching.ordered()) == 10


def test_a_failure_of_the_table_fails_its_messages_alone(client, matching, monkeypatch):
    hook_id = active(client, "store/order/*")
    subscribers = matching.parts.hooks.subscribers

    def busy(store_hash, scope):
        if store_hash == "busy":
            raise StoreBusyError
        return subscribers(store_hash, scope)

    monkeypatch.setattr(matching.parts.hooks, "subscribers", busy)
    good, bad = matching.message("store/order/created"), matching.message("store/order/created", "busy")
    assert matching.match(bad, good) == [bad["messageId"]]
    assert [task["hook_id"] for task in matching.ordered()] == [hook_id]


def test_a_failure_of_the_queue_fails_the_messages_whose_deliveries_it_did_not_take(
    client, matching, monkeypatch
):
    active(client, "store/order/*")

    def partly(messages):
        raise QueueFailedError("InternalError", frozenset({1}))

    monkeypatch.setattr(matching.parts.deliveries_queue, "send", partly)
    messages = [matching.message("store/order/created") for _ in range(3)]
    assert matching.match(*messages) == [messages[1]["messageId"]]


def test_an_event_whose_message_failed_after_its_id_was_remembered_is_not_lost(client, matching, monkeypatch):
    hook_id = active(client, "store/order/*")
    message = matching.message("store/order/created", id="given")
    with monkeypatch.context() as patched:

        def nothing(messages):
            raise QueueFailedError("InternalError", frozenset(range(len(messages))))

        patched.setattr(matching.parts.deliveries_queue, "send", nothing)
        assert matching.match(message) == [message["messageId"]]
    assert matching.match(message) == []
    assert [task["hook_id"] for task in matching.ordered()] == [hook_id]


def test_what_cannot_be_put_aside_comes_again(aws, functions, matching, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    functions.sleep = lambda _: None
    aws.sqs.delete_queue(QueueUrl=aws.queues["EventsDeadLetters"])
    message = matching.message("store/order/*")
    assert matching.match(message) == [message["messageId"]]
