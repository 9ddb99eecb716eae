"""storehooks event, against the running stack."""

import json
import subprocess

import pytest

from tests.e2e.command_line import storehooks
from tests.e2e.subscriber import subscriber

STORE_HASH = "ev3nts"
SEND = ("event", "send", "store/order/created", "--store-hash", STORE_HASH)


def test_an_event_is_published_and_delivered(stack):
    with subscriber(stack, STORE_HASH) as app:
        shown = storehooks(stack, *SEND, "--data", '{"type": "order", "id": 250}').stdout
        callback = app.next_callback()
        heading, row = shown.splitlines()
        assert heading.split() == ["EVENT", "ID", "SCOPE", "SENT", "TO"]
        assert len(row.split()[0]) == 36
        assert row.split()[1:] == ["store/order/created", "1", "hook"]
        assert (callback["scope"], callback["data"]) == ("store/order/created", {"type": "order", "id": 250})
        assert callback["producer"] == f"stores/{STORE_HASH}"

        given = ("--id", "order-251", "--store-id", "1025646", "--created-at", "1561479335", "--json")
        response = storehooks(stack, *SEND, *given, "--data", "-", input='["ü"]')
        callback = app.next_callback()
        assert json.loads(response.stdout) == {"id": "order-251", "scope": "store/order/created", "hooks": 1}
        assert callback["data"] == ["ü"]
        assert (callback["store_id"], callback["created_at"]) == ("1025646", 1561479335)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("--data", "5", "--id", "a b", "--store-id", "x", "--created-at", "-1"),
            [
                "--data has the wrong type, accepted: an object or an array",
                "--id is not an event id, accepted: a string of 1 to 128",
                "--store-id is not a store id, accepted: an integer",
                "--created-at is not a time, accepted: whole seconds",
            ],
        ),
        (("--data", "{}", "--scope", "store/order/updated"), ["SCOPE is needed once"]),
        (("--data", "{]"), ["--data is not JSON", "line 1 column 2", "accepted: an object or an array"]),
        (("--data", "{}", "--store-hash", "a/b"), ["--store-hash", "1 to 64 letters and digits"]),
    ],
)
def test_a_bad_event_is_refused_with_what_is_accepted(stack, arguments, told):
    response = storehooks(stack, *SEND, *arguments, check=False)
    assert response.returncode == 2
    for words_of_one in told:
        assert words_of_one in response.stderr
    assert "Traceback" not in response.stderr


def test_a_stack_of_an_earlier_version_is_told_apart(stack):
    template = {
        "Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {"TokensTable": {"Value": "tokens"}, "ClientsTable": {"Value": "clients"}},
    }
    stack.run.aws("cloudformation").create_stack(StackName="earlier", TemplateBody=json.dumps(template))
    access = {
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_ACCESS_KEY_ID": stack.run.endpoint.access_key_id,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    response = subprocess.run(
        [stack.command, *SEND, "--data", "{}", "--stack-name", "earlier"],
        env=stack.environment | access,
        capture_output=True,
        text=True,
        check=False,
    )
    assert response.returncode == 1
    assert response.stderr == (
        "storehooks: the stack earlier is older than this command: "
        "it has no output EventBusName; deploy it again\n"
    )
