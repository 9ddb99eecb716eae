"""What this release stores is read and gone on from by the one before, and what that one makes of it by this.

The earlier release's own modules do so, in a process of theirs and over a table of moto.
"""

import json
import os
import subprocess
import sys

import pytest

from storehooks.adapters.delivery_log.items import from_item
from storehooks.adapters.delivery_messages import to_message
from storehooks.domain.attempt import ACKNOWLEDGED
from storehooks.domain.delivery import Status
from storehooks.domain.retry import BIGCOMMERCE_SCHEDULE
from storehooks_cli.access import AccessTables
from tests.e2e.store import Destination
from tests.flows.test_faults import failing
from tests.flows.test_pull import pull
from tests.integration.conftest import (
    aws,  # noqa: F401 - a fixture
    load_event,
)
from tests.template_file import table_definition
from tests.upgrade.test_upgrade import unpacked
from tests.world import World, envelope

pytestmark = pytest.mark.toolchain

EARLIER = """
import json, sys
from dataclasses import asdict

from moto import mock_aws
from storehooks.adapters.aws import dynamodb_client
from storehooks.adapters.deliveries_table import DeliveriesTable
from storehooks.adapters.delivery_items import from_message
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.retry import RetrySchedule

given = json.load(sys.stdin)
with mock_aws():
    dynamodb = dynamodb_client()
    dynamodb.create_table(**given["table"])
    for item in given["items"]:
        dynamodb.put_item(TableName="DeliveriesTable", Item=item)
    log = DeliveriesTable("DeliveriesTable", retention_days=30, clock=lambda: given["now"])
    leased = [one for some in log.lease_due(given["until"]) for one in some]
    found = {}
    for task, _ in leased:
        one = log.get(task.store_hash, task.hook_id, task.delivery_id)
        failed = Attempt(at=given["now"], status=500, error="answered 500", times=Times(total_ms=1.0))
        after = one.after(failed, RetrySchedule.parse(given["schedule"]), given["now"])
        found[one.id] = {
            "attempt": task.attempt,
            "attempts": [(each.at, each.status, each.times.total_ms) for each in one.attempts],
            "is_saved": log.save(after, over=one),
        }
    tasks = [from_message(message) for message in given["messages"]]
    items = dynamodb.scan(TableName="DeliveriesTable")["Items"]
json.dump({"found": found, "tasks": [asdict(task) for task in tasks], "items": items}, sys.stdout)
"""


def earlier(release, given, code=EARLIER):
    """What the earlier release makes of a table's items and of messages."""
    response = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(release / "layers/shared"), "AWS_REGION": "us-east-1"},
        input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(response.stdout.splitlines()[-1])


def test_the_release_before_goes_on_with_what_fails_and_this_one_with_that(aws, tmp_path):  # noqa: F811
    world = World(aws, BIGCOMMERCE_SCHEDULE)
    world.response = failing
    hooks = [world.hook(f"https://app.example.com/{number}", "store/*") for number in range(2)]
    for hook in hooks:
        for _ in range(8):
            world.event(hook)
    world.pass_time(3 * 3600)
    mark = [item for item in aws.scan("DeliveriesTable") if "taken_until" in item]
    assert mark, "the sweep has taken some"
    late = world.event(hooks[0])
    world.work()
    messages = [to_message(task) for task in world.queue.tasks]
    assert messages
    here = aws.deliveries()
    there = earlier(
        unpacked("0.2.0-first", tmp_path),
        {
            "table": table_definition("DeliveriesTable"),
            "items": aws.scan("DeliveriesTable"),
            "now": world.clock.now,
            "until": world.clock.now + 7 * 24 * 3600,
            "schedule": BIGCOMMERCE_SCHEDULE,
            "messages": messages,
        },
    )
    waiting = {one.id: one for one in here.values() if one.status is Status.RETRYING}
    assert len(waiting) >= 16
    assert there["found"].keys() == waiting.keys()
    for delivery_id, one in waiting.items():
        assert there["found"][delivery_id] == {
            "attempt": one.attempt_count + 1,
            "attempts": [[each.at, each.status, each.times.total_ms] for each in one.attempts],
            "is_saved": True,
        }
    assert {task["delivery_id"] for task in there["tasks"]} >= {late.id}
    back = {item["id"]["S"]: from_item(item) for item in there["items"] if "payload" in item}
    for delivery_id, one in waiting.items():
        assert back[delivery_id].attempt_count == one.attempt_count + 1
        assert back[delivery_id].attempts[-2].times.total_ms == one.attempts[-1].times.total_ms


AUTHORIZER = """
import json, os, sys

from moto import mock_aws

given = json.load(sys.stdin)
os.environ["TOKENS_TABLE"] = "TokensTable"
with mock_aws():
    import boto3
    from app import handler

    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(**given["table"])
    for item in given["items"]:
        dynamodb.put_item(TableName="TokensTable", Item=item)
    response = handler({"authorizationToken": given["token"], "methodArn": given["arn"]}, None)
json.dump(response["policyDocument"]["Statement"], sys.stdout)
"""


@pytest.mark.parametrize("release", ["0.1.0", "0.2.0-first"])
def test_an_earlier_release_opens_nothing_to_an_admin_token(aws, tmp_path, release):  # noqa: F811
    access = AccessTables("TokensTable", "ClientsTable", dynamodb=aws.dynamodb)
    folder = unpacked(release, tmp_path)
    arn = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live/GET/stores/5ueh97/v2/hooks"

    def effects(token):
        given = {
            "table": table_definition("TokensTable"),
            "items": aws.scan("TokensTable"),
            "token": token,
            "arn": arn,
        }
        response = subprocess.run(
            [sys.executable, "-c", AUTHORIZER],
            env=os.environ
            | {
                "PYTHONPATH": f"{folder / 'layers/shared'}{os.pathsep}{folder / 'functions/authorizer'}",
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
            },
            input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        return [statement["Effect"] for statement in json.loads(response.stdout.splitlines()[-1])]

    assert effects(access.create_token("5ueh97").access_token) == ["Allow"]
    assert effects(access.create_admin_token().access_token) == ["Deny"]


READING = """
import json, sys

from storehooks.adapters.access import TokensTable
from storehooks.api.access_policy import access_policy
from storehooks.api.request import Request
from storehooks.domain.errors import NotAllowedError
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE

class Stored:
    def __init__(self, items):
        self.items = {item["token_sha256"]["S"]: item for item in items}

    def get_item(self, *, TableName, Key, ConsistentRead):
        return {"Item": self.items[Key["token_sha256"]["S"]]}

given = json.load(sys.stdin)
found = {}
for token in given["tokens"]:
    caller = TokensTable("TokensTable", Stored(given["items"])).caller(token)
    policy = access_policy(caller, "arn:aws:execute-api:us-east-1:1:a/live/GET/stores/5ueh97/v2/hooks")
    context = {"authorizer": policy["context"]}
    request = Request({"requestContext": context, "pathParameters": {"store_hash": "5ueh97"}})
    try:
        request.caller(DEFAULT_OAUTH_SCOPE)
        is_served = True
    except NotAllowedError:
        is_served = False
    (statement,) = policy["policyDocument"]["Statement"]
    found[token] = [statement["Effect"], is_served]
json.dump(found, sys.stdout)
"""


@pytest.mark.parametrize("release", ["0.1.0", "0.2.0-first"])
def test_a_token_that_may_only_read_opens_nothing_after_a_rollback(release, aws, tmp_path):  # noqa: F811
    access = AccessTables("TokensTable", "ClientsTable", dynamodb=aws.dynamodb)
    read = access.create_token("5ueh97", oauth_scopes=["read"]).access_token
    default = access.create_token("5ueh97", oauth_scopes=["default", "read"]).access_token
    given = {"items": aws.scan("TokensTable"), "tokens": [read, default]}
    found = earlier(unpacked(release, tmp_path), given, READING)
    assert found == {read: ["Deny", False], default: ["Allow", True]}


_TABLES = {
    f"{name}_TABLE": f"{name.title().replace('_', '')}Table"
    for name in ("HOOKS", "CLIENTS", "DELIVERIES", "EVENT_IDS")
}

PULLED = """
import json, os, runpy, sys, time

from moto import mock_aws

given = json.load(sys.stdin)
started, real = time.time(), time.time
time.time = lambda: given["now"] + real() - started


def handler(name):
    return runpy.run_path(f"{given['functions']}/{name}/app.py")["handler"]


with mock_aws():
    import boto3

    dynamodb, sqs, events = (boto3.client(name, "us-east-1") for name in ("dynamodb", "sqs", "events"))
    for table in given["tables"]:
        dynamodb.create_table(**table["definition"])
        for item in table["items"]:
            dynamodb.put_item(TableName=table["definition"]["TableName"], Item=item)
    events.create_event_bus(Name="EventBus")
    queue = sqs.create_queue(QueueName="DeliveriesQueue")["QueueUrl"]
    dead_letters = sqs.create_queue(QueueName="EventsDeadLetters")["QueueUrl"]
    os.environ |= given["environment"] | {"DELIVERIES_QUEUE": queue, "EVENTS_DEAD_LETTERS": dead_letters}
    found = {name: json.loads(handler(name)(event, None)["body"]) for name, event in given["requests"]}
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(given["events"])]
    found["unmatched"] = handler("match_events")({"Records": records}, None)["batchItemFailures"]
    deliver, found["failed"] = handler("deliver"), []
    while messages := sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=2, AttributeNames=["All"]
    ).get("Messages"):
        records = [
            {"messageId": one["MessageId"], "body": one["Body"], "attributes": one["Attributes"]}
            for one in messages
        ]
        found["failed"] += deliver({"Records": records}, None)["batchItemFailures"]
        for one in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
    found["swept"] = handler("retry_due")({}, None)
    found["tables"] = {
        name: dynamodb.scan(TableName=name)["Items"] for name in ("HooksTable", "DeliveriesTable")
    }
json.dump(found, sys.stdout)
"""


def test_the_release_before_fails_at_a_pulled_hook_alone_and_this_one_gives_all_of_it_out(aws, tmp_path):  # noqa: F811
    """To that release it is a hook with a URL that has no host: it tries to send there."""
    world = World(aws)
    release = unpacked("0.2.0-first", tmp_path)
    pulled = world.hook("pull:")
    with Destination() as works:
        world.hook(works.url)
        events = [json.dumps(envelope(number)) for number in range(6)]
        assert world.parts.matcher.match(dict(zip("012", events, strict=False))) == set()
        world.work()
        (done,) = pull(world, pulled, 1).requests
        (given_out,) = pull(world, pulled, 1, seconds=900, ack=[done]).requests
        requests = {name: load_event(name) for name in ("list_hooks", "list_deliveries", "get_delivery")}
        for request in requests.values():
            request["requestContext"]["authorizer"]["client_id"] = world.caller.client_id
        requests["list_hooks"]["queryStringParameters"] = None
        requests["list_deliveries"]["queryStringParameters"] = None
        for name in ("list_deliveries", "get_delivery"):
            requests[name]["pathParameters"]["id"] = str(pulled.id)
        requests["get_delivery"]["pathParameters"]["delivery_id"] = done
        there = earlier(
            release,
            {
                "functions": str(release / "functions"),
                "tables": [
                    {"definition": table_definition(name), "items": aws.scan(name)}
                    for name in _TABLES.values()
                ],
                "environment": _TABLES
                | {
                    "EVENT_BUS": "EventBus",
                    "RETRY_SCHEDULE": "1",
                    "DELIVERY_TIMEOUT_SECONDS": "10",
                    "DELIVERY_RETENTION_DAYS": "30",
                    "ALLOW_PRIVATE_DESTINATIONS": "true",
                },
                "requests": list(requests.items()),
                "events": events[3:],
                "now": world.clock.now + 60,
            },
            PULLED,
        )
        assert works.requests.qsize() == 3, "the other hook gets its events"
    assert (there["unmatched"], there["failed"], there["swept"]) == ([], [], {"handed_on": 0})
    assert [hook["destination"] for hook in there["list_hooks"]] == ["pull://", works.url]
    assert [one["status"] for one in there["list_deliveries"]["data"]] == ["pending", "pending", "delivered"]
    assert there["get_delivery"]["attempts"][0]["answer"] == ACKNOWLEDGED

    aws.empty("HooksTable", "DeliveriesTable")
    for name in ("HooksTable", "DeliveriesTable"):
        for item in there["tables"][name]:
            aws.dynamodb.put_item(TableName=name, Item=item)
    world.clock.now += 3600
    world.start()
    hook = world.current(pulled)
    assert (hook.is_deactivated, hook.is_pulled) == (True, True)
    of_hook = [one for one in aws.deliveries().values() if one.hook_id == hook.id]
    assert len(of_hook) == 6
    assert {one.id for one in of_hook if one.status is Status.PENDING} > {given_out}
    hook = world.hooks.update(world.caller, hook.id, {"is_active": True})
    world.recovery_starter.start(hook, (Status.EXHAUSTED, Status.HELD), 0, world.clock.now)
    world.pass_time(3600)
    assert pull(world, hook, 100).requests.keys() == {one.id for one in of_hook} - {done}
