"""What the local stack adds to its deployment: what the local AWS leaves out, and the demo token."""

import json

import pytest

from storehooks_cli.local.demo import demo_token
from storehooks_cli.local.deployment import Deployment, Outputs
from storehooks_cli.local.folders import DataFolder
from storehooks_cli.local.state import State
from storehooks_cli.options import DEMO_STORE
from tests.e2e.command_line import storehooks

pytestmark = pytest.mark.toolchain


@pytest.fixture(scope="module")
def outputs(stack) -> Outputs:
    folder = DataFolder(stack.data_dir)
    return Deployment(folder, State(folder), stack.run.endpoint, {}).outputs()


def test_expired_items_are_deleted(stack, outputs):
    for table in (outputs.deliveries_table, outputs.event_ids_table):
        response = stack.run.aws("dynamodb").describe_time_to_live(TableName=table)
        assert response["TimeToLiveDescription"] == {
            "TimeToLiveStatus": "ENABLED",
            "AttributeName": "expires_at",
        }


def test_a_demo_token_of_an_earlier_version_is_replaced_by_one_of_its_client(stack, outputs, tmp_path):
    folder = DataFolder.open(tmp_path)
    state = State(folder)
    state.path.mkdir()
    earlier = json.loads(storehooks(stack, "token", "create", "--store-hash", DEMO_STORE, "--json").stdout)
    (state.path / "demo-token.json").write_text(json.dumps({"access_token": earlier["access_token"]}))
    token = demo_token(state, stack.run.endpoint, outputs).access_token
    assert token != earlier["access_token"]
    assert demo_token(state, stack.run.endpoint, outputs).access_token == token
    listed = ("token", "list", "--store-hash", DEMO_STORE, "--client-id", earlier["client_id"], "--json")
    (record,) = json.loads(storehooks(stack, *listed).stdout)
    assert record["scopes"] == ["default", "events"]

    storehooks(stack, "token", "revoke", "--store-hash", DEMO_STORE, token)
    assert demo_token(state, stack.run.endpoint, outputs).access_token != token
