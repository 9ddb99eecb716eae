"""The rights that template.yaml gives a function are those that its calls to AWS need, no more, no fewer.

Here each function does all that it can do, so that a right that is not used is found. That it does
nothing without a right is held in every test, see rights.py.
"""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import botocore.client
import pytest
from botocore.exceptions import ClientError

from storehooks.adapters.hook_lists import list_key
from storehooks.adapters.leases import lease_key
from storehooks.domain.lease import LeasePool
from storehooks.domain.recovery import (
    MISSED,
    RECOVERABLE,
    SILENT_SECONDS,
    new_recovery,
    new_recovery_id,
    new_resumption,
)
from storehooks.domain.task import HoldTask
from tests.faults import around_aws
from tests.integration.conftest import load_event
from tests.integration.earlier_release import forget_lists
from tests.integration.rights import ROLES, granted, of_the_mapping, rights_of
from tests.template_file import resources
from tests.world import World


@pytest.fixture
def world(aws):
    return World(aws)


@pytest.fixture
def needed(aws, monkeypatch):
    """The IAM actions that calls need, with their resources, as they are made."""
    found: set[tuple[str, str]] = set()
    call = botocore.client.BaseClient._make_api_call

    def recording(client, operation, kwargs):
        found.update(rights_of(aws, operation, kwargs))
        return call(client, operation, kwargs)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recording)
    return found


def changes_of_every_kind(client):
    client.update(1, is_active=False)
    client.update(1, destination="https://app.example.com/moved")
    client.update(1, scope="store/cart/*", is_active=True)
    for is_paused in (True, False) * 2:
        client.update(1, is_paused=is_paused)


@pytest.mark.parametrize(
    ("logical_id", "use"),
    [
        ("ListHooks", lambda client: client.list()),
        ("GetHook", lambda client: client.get(1)),
        ("CreateHook", lambda client: client.create(destination="https://app.example.com/2")),
        ("UpdateHook", changes_of_every_kind),
        ("DeleteHook", lambda client: client.delete(1)),
    ],
)
def test_an_operation_may_do_what_it_does(aws, client, needed, logical_id, use):
    assert client.create(is_active=True)[0] == 201
    forget_lists(aws)
    needed.clear()
    use(client)
    assert needed == granted(logical_id)


def test_the_authorizer_may_do_what_it_does(functions, access, needed):
    event = load_event("authorizer") | {"authorizationToken": access.create_token("5ueh97").access_token}
    needed.clear()
    functions.handler("authorizer")(event, None)
    assert needed == granted("Authorizer")


def test_the_console_may_do_nothing_and_does_nothing(functions, needed):
    response = functions.handler("console")(load_event("console"), None)
    assert response["statusCode"] == 200
    assert needed == granted("Console") == set()


def test_publishing_may_do_what_it_does(functions, needed):
    functions.invoke("publish_events", load_event("publish_events"))
    assert needed == granted("PublishEvents")


def test_explaining_may_do_what_it_does(aws, functions, client, needed):
    client.create(is_active=True)
    forget_lists(aws)
    needed.clear()
    assert functions.invoke("explain_event", load_event("explain_event"))[0] == 200
    assert needed == granted("ExplainEvent")


def test_matching_may_do_what_it_does(functions, client, world, needed):
    client.create(is_active=True)
    held = world.hook()
    world.hooks.deactivate(held, "it fails")
    world.hook("pull:")
    needed.clear()
    functions.handler("match_events")(load_event("match_events"), None)
    functions.handler("match_events")(load_event("match_events_invalid"), None)
    assert needed | of_the_mapping("EventsQueue") == granted("MatchEvents")


def order(world, hook, statuses):
    """A recovery of all that a hook ever got."""
    recovery = new_recovery(
        hook,
        new_recovery_id(),
        since=0,
        until=world.clock.now,
        statuses=statuses,
        count=0,
        is_count_exact=True,
        now=world.clock.now,
    )
    world.recoveries.create(recovery)
    return recovery


def test_delivering_may_do_what_it_does(aws, functions, world, needed):
    """Through all that can become of a delivery, with the function's own queue and bus."""
    functions.clock = world.clock
    functions.given = {"sender": world.parts.sender, "schedule": world.schedule}
    parts = functions.parts("deliver")
    world.deliverer = parts.deliverer
    hook, sick = world.hook(), world.hook("https://app.example.com/sick")
    limited = world.hook("https://app.example.com/limited", max_per_second=0.1)
    needed.clear()
    for _ in range(100):
        world.event(limited)
    world.work()
    for status in (200, 500, 200, 410):
        world.response = lambda _request, status=status: (status, None)
        world.event(hook)
        world.work()
    parts.holds.hold(HoldTask(store_hash="5ueh97", hook_id=hook.id, client_id=hook.client_id, store_id=None))
    world.response = lambda _request: (500, None)
    for _ in range(6):
        world.event(sick)
        world.work()
    parts.log.has_reached("5ueh97", sick.id, since=0)
    with_delivered = order(world, hook, RECOVERABLE), order(world, sick, RECOVERABLE)
    for recovery in (*with_delivered, order(world, sick, MISSED)):
        parts.recoverer.recover(recovery.task, came_before=False)
    resumption = new_resumption(sick, new_recovery_id(), held_since=0, now=world.clock.now)
    world.recoveries.create(resumption)
    parts.recoverer.recover(resumption.task, came_before=False)
    parts.deliveries_queue.receive(wait_seconds=0)
    parts.deliveries_queue.delete(parts.deliveries_queue.receive(wait_seconds=0))
    assert needed | of_the_mapping("DeliveriesQueue") == granted("Deliver")


def test_the_sweep_may_do_what_it_does(aws, functions, needed):
    world = World(aws, schedule="1000,1000")
    world.response = lambda _request: (500, None)
    world.event(world.hook())
    world.work()
    functions.clock = lambda: world.clock.now + 950
    needed.clear()
    assert functions.handler("retry_due")(load_event("retry_due"), None) == {"sent": 1}
    assert needed == granted("RetryDue")


def recovering(functions, hook, status) -> str:
    """TaskMessage a recovery; its id."""
    event = load_event("recover_deliveries")
    event["pathParameters"]["id"] = str(hook.id)
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    event["body"] = json.dumps({"since": "2026-11-23T09:00:00Z", "status": status})
    responded, recovery = functions.invoke("recover_deliveries", event)
    assert responded == 202
    return recovery["id"]


def test_ordering_a_recovery_and_looking_at_it_may_do_what_they_do(functions, world, needed):
    hook = world.hook()
    functions.clock = world.clock
    needed.clear()
    for status in ("held", "exhausted"):
        recovering(functions, hook, status)
    world.clock.now += SILENT_SECONDS
    recovery_id = recovering(functions, hook, "delivered")
    assert needed == granted("RecoverDeliveries")
    event = load_event("get_recovery")
    event["pathParameters"] |= {"id": str(hook.id), "recovery_id": recovery_id}
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    needed.clear()
    assert functions.invoke("get_recovery", event)[0] == 200
    assert needed == granted("GetRecovery")


def test_redelivering_may_do_what_it_does(functions, world, needed):
    hook = world.hook()
    delivery = world.event(hook)
    world.work()
    event = load_event("redeliver")
    event["pathParameters"] |= {"id": str(hook.id), "delivery_id": delivery.id}
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    needed.clear()
    assert functions.invoke("redeliver", event)[0] == 202
    assert needed == granted("Redeliver")


def test_pulling_may_do_what_it_does(functions, world, needed):
    hook = world.hook("pull:")
    functions.clock = world.clock
    functions.handler("match_events")(load_event("match_events"), None)
    event = load_event("pull_deliveries")
    event["pathParameters"]["id"] = str(hook.id)
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    needed.clear()
    for _ in range(2):
        status, pulled = functions.invoke("pull_deliveries", event)
        assert status == 200
        event["body"] = json.dumps({"ack": [one["id"] for one in pulled["data"]]})
    assert needed == granted("PullDeliveries")


def test_pinging_may_do_what_it_does(functions, world, needed):
    hook = world.hook("https://127.0.0.1/")  # which is refused, so no request leaves this machine
    event = load_event("ping_hook")
    event["pathParameters"]["id"] = str(hook.id)
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    needed.clear()
    assert functions.invoke("ping_hook", event)[0] == 200
    assert needed == granted("PingHook")


def test_reading_figures_may_do_what_it_does(functions, world, needed):
    hook = world.hook()
    world.response = lambda _request: (500, None)
    world.event(hook)
    world.work()
    event = load_event("get_hook_stats")
    event["pathParameters"]["id"] = str(hook.id)
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    functions.clock = world.clock
    needed.clear()
    assert functions.invoke("get_hook_stats", event)[0] == 200
    assert needed == granted("GetHookStats")


def test_reading_the_log_may_do_what_it_does(functions, client, needed):
    client.create()
    needed.clear()
    client.call("list_deliveries", hook_id=1)
    client.call("list_deliveries", hook_id=1, query={"status": "held"})
    assert needed == granted("ListDeliveries")
    needed.clear()
    client.call("get_delivery", hook_id=1)
    assert needed == granted("GetDelivery")


def test_reading_and_naming_addresses_may_do_what_it_does(aws, v3_client, needed):
    v3_client.create()
    forget_lists(aws)
    needed.clear()
    v3_client.call("get_admin")
    assert needed == granted("GetAdmin")
    needed.clear()
    v3_client.call("update_admin")
    assert needed == granted("UpdateAdmin")


def test_writing_to_owners_may_do_what_it_does(functions, world, needed):
    hook = world.hook()
    world.hooks.deactivate(hook, "it fails")
    functions.parts("update_admin").notification_emails.put("5ueh97", hook.client_id, ["a@example.com"])
    world.parts.notices.add(world.current(hook))
    needed.clear()
    (event,) = world.bus.notices
    assert functions.handler("notify_owners")(event, None) == {"written": True}
    of_lambda = {("sqs:SendMessage", "EmailsDeadLetters")}
    assert needed | of_lambda == granted("NotifyOwners")


@pytest.fixture
def admin(functions):
    """Calls the admin API about the client of the event files."""
    return lambda name, **changes: functions.invoke(name, load_event(name) | changes)


def test_managing_clients_and_tokens_may_do_what_it_does(aws, admin, client, needed):
    assert admin("put_client")[0] == 201
    assert needed == granted("PutClient")
    client.create()
    forget_lists(aws)
    needed.clear()
    assert admin("list_clients")[0] == 200
    assert needed == granted("ListClients")
    needed.clear()
    assert admin("rotate_client_secret")[0] == 200
    assert needed == granted("RotateClientSecret")
    needed.clear()
    status, made = admin("create_token")
    assert status == 201
    assert needed == granted("CreateToken")
    needed.clear()
    assert admin("create_portal_link")[0] == 201
    assert needed == granted("CreatePortalLink")
    needed.clear()
    assert admin("list_tokens")[0] == 200
    assert needed == granted("ListTokens")
    needed.clear()
    named = load_event("delete_token")["pathParameters"] | {"token_id": made["data"]["id"]}
    assert admin("delete_token", pathParameters=named)[0] == 204
    assert needed == granted("DeleteToken")


def test_removing_a_client_may_do_what_it_does(aws, admin, client, needed):
    admin("put_client")
    admin("create_token")
    client.create()
    forget_lists(aws)
    needed.clear()
    assert admin("delete_client")[0] == 204
    assert needed == granted("DeleteClient")


def test_who_lists_clients_reads_no_secret(admin, monkeypatch):
    (policy,) = resources("AWS::IAM::Role")["ListClientsRole"]["Policies"]
    (reading,) = [
        one
        for one in policy["PolicyDocument"]["Statement"]
        if one["Resource"] == {"Fn::GetAtt": ["ClientsTable", "Arn"]}
    ]
    assert reading["Action"] == ["dynamodb:Query"]
    assert reading["Condition"]["StringEquals"] == {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
    attributes = reading["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
    assert not {"client_secret", "previous_secret"} & set(attributes)

    asked = []
    around_aws(monkeypatch, lambda _, given, call: (asked.append(given), call(given))[1])
    assert admin("list_clients")[0] == 200
    (query,) = [given for given in asked if given.get("TableName") == "ClientsTable"]
    named = query["ExpressionAttributeNames"]
    wanted = [named.get(name, name) for name in query["ProjectionExpression"].split(", ")]
    assert query["Select"] == "SPECIFIC_ATTRIBUTES"
    assert sorted(wanted) == sorted(attributes)


def test_who_only_reads_hooks_may_write_nothing_but_clients_lists_of_them():
    for name in ("ListHooks", "GetAdmin", "ListUndeliveredEvents"):
        (policy,) = resources("AWS::IAM::Role")[f"{name}Role"]["Policies"]
        (writing,) = [
            one for one in policy["PolicyDocument"]["Statement"] if "dynamodb:PutItem" in one["Action"]
        ]
        assert writing["Action"] == ["dynamodb:PutItem"]
        (prefix,) = writing["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        assert prefix == "hooks#*"
        assert fnmatchcase(list_key("5ueh97", "a" * 32)["store_hash"]["S"], prefix)


def test_who_takes_leases_may_write_nothing_else_to_the_table_of_event_ids():
    pool = LeasePool("pings", "5ueh97", "a" * 32, 2)
    for name in ("PingHook", "RecoverDeliveries", "GetHookStats"):
        (policy,) = resources("AWS::IAM::Role")[f"{name}Role"]["Policies"]
        (writing,) = [
            one
            for one in policy["PolicyDocument"]["Statement"]
            if one["Resource"] == {"Fn::GetAtt": ["EventIdsTable", "Arn"]}
        ]
        (prefix,) = writing["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        assert prefix == "#leases#*"
        assert fnmatchcase(lease_key(pool), prefix)


def test_delivering_may_change_leases_alone_in_the_table_of_event_ids():
    (policy,) = resources("AWS::IAM::Role")["DeliverRole"]["Policies"]
    claims, leases = [
        one
        for one in policy["PolicyDocument"]["Statement"]
        if one["Resource"] == {"Fn::GetAtt": ["EventIdsTable", "Arn"]}
    ]
    assert claims["Action"] == ["dynamodb:PutItem"]
    assert leases["Action"] == ["dynamodb:UpdateItem"]
    assert leases["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] == ["#leases#*"]


def test_mails_may_come_from_the_one_address_alone():
    (policy,) = resources("AWS::IAM::Role")["NotifyOwnersRole"]["Policies"]
    (statement,) = [
        one for one in policy["PolicyDocument"]["Statement"] if one["Action"] == ["ses:SendEmail"]
    ]
    assert statement["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "EmailSender"}}}


def test_listing_what_is_undelivered_may_do_what_it_does(aws, functions, client, world, needed):
    world.response = lambda _request: (500, None)
    world.event(world.hook())
    world.work()
    forget_lists(aws)
    needed.clear()
    event = load_event("list_undelivered_events")
    event["requestContext"]["authorizer"]["client_id"] = world.caller.client_id
    assert len(functions.invoke("list_undelivered_events", event)[1]["data"]) == 1
    assert needed == granted("ListUndeliveredEvents")


def test_every_function_is_among_these():
    used = re.findall(
        r'granted\("(\w+)"\)|^        \("([A-Z]\w+)", ', Path(__file__).read_text(), re.MULTILINE
    )
    named = {f"{one or other}Function" for one, other in used}
    assert named == resources("AWS::Serverless::Function").keys()


HOOK = {"store_hash": {"S": "5ueh97"}, "id": {"N": "1"}}


@pytest.mark.parametrize(
    ("folder", "call"),
    [
        ("get_hook", lambda aws: aws.dynamodb.scan(TableName="HooksTable")),
        ("get_hook", lambda aws: aws.dynamodb.delete_item(TableName="HooksTable", Key=HOOK)),
        ("get_hook", lambda aws: aws.dynamodb.get_item(TableName="TokensTable", Key=HOOK)),
        (
            "create_hook",
            lambda aws: aws.dynamodb.transact_write_items(
                TransactItems=[{"Delete": {"TableName": "HooksTable", "Key": HOOK}}]
            ),
        ),
        (
            "list_hooks",
            lambda aws: aws.dynamodb.query(
                TableName="HooksTable",
                IndexName="by_subscription",
                KeyConditionExpression="subscription = :s",
                ExpressionAttributeValues={":s": {"S": "5ueh97#store/*"}},
            ),
        ),
        (
            "publish_events",
            lambda aws: aws.sqs.send_message_batch(
                QueueUrl=aws.queues["DeliveriesQueue"], Entries=[{"Id": "0", "MessageBody": "{}"}]
            ),
        ),
    ],
)
def test_what_a_role_does_not_grant_is_refused_as_aws_refuses_it(aws, folder, call):
    with pytest.raises(ClientError, match="AccessDenied"):
        ROLES.assumed(folder, call)(aws)
    assert len(aws.refused) == 1
    aws.refused.clear()
