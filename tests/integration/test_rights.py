"""The rights that template.yaml gives a function are those that its calls to AWS need, no more, no fewer."""

import botocore.client
import pytest

from tests.integration.conftest import load_event
from tests.template_file import resources


@pytest.fixture
def needed(aws, monkeypatch):
    """The IAM actions that calls need, with their tables, as they are made."""
    found: set[tuple[str, str]] = set()
    call = botocore.client.BaseClient._make_api_call

    def recording(client, operation, kwargs):
        if operation == "TransactWriteItems":  # it needs the rights of its writes
            for write in kwargs["TransactItems"]:
                ((kind, item),) = write.items()
                found.add((f"dynamodb:{kind}Item", item["TableName"]))
        else:
            found.add((f"dynamodb:{operation}", kwargs["TableName"]))
        return call(client, operation, kwargs)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recording)
    return found


def granted(logical_id: str) -> set[tuple[str, str]]:
    (policy,) = resources("AWS::IAM::Role")[f"{logical_id}Role"]["Policies"]
    tables, *_ = policy["PolicyDocument"]["Statement"]
    return {(action, tables["Resource"]["Fn::GetAtt"][0]) for action in tables["Action"]}


def changes_of_every_kind(client):
    client.update(1, is_active=False)
    client.update(1, destination="https://app.example.com/moved")
    client.update(1, scope="store/cart/*")


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
def test_an_operation_may_do_what_it_does(client, needed, logical_id, use):
    assert client.create(is_active=True)[0] == 201
    needed.clear()
    use(client)
    assert needed == granted(logical_id)


def test_the_authorizer_may_do_what_it_does(functions, access, needed):
    event = load_event("authorizer") | {"authorizationToken": access.create_token("5ueh97").access_token}
    needed.clear()
    functions.module("authorizer").handler(event, None)
    assert needed == granted("Authorizer")
