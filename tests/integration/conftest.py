"""The real handlers over moto's DynamoDB, with tables as template.yaml defines them."""

import copy
import importlib.util
import json
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.client
import pytest
from moto import mock_aws

from storehooks.adapters.access import AccessTables
from storehooks.adapters.dynamodb import dynamodb_client
from tests.template_file import resources, table_definition

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"


class Aws:
    """The mocked AWS: its client, and the calls made so far."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.dynamodb = dynamodb_client()

    def scan(self, table: str) -> list[dict[str, Any]]:
        """Everything in a table, and no call counted."""
        before = len(self.calls)
        items = [
            item
            for page in self.dynamodb.get_paginator("scan").paginate(TableName=table)
            for item in page["Items"]
        ]
        del self.calls[before:]
        return items


@pytest.fixture
def aws(monkeypatch):
    """moto with the three tables; each API call is atomic, as in AWS, and is counted."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "storehooks")
    for logical_id in resources("AWS::DynamoDB::Table"):
        monkeypatch.setenv(logical_id.removesuffix("Table").upper() + "_TABLE", logical_id)
    monkeypatch.setenv("ALLOW_PRIVATE_DESTINATIONS", "false")
    with mock_aws():
        mocked = Aws()
        for logical_id in resources("AWS::DynamoDB::Table"):
            mocked.dynamodb.create_table(**table_definition(logical_id))
        _count_and_serialize(monkeypatch, mocked.calls)
        yield mocked


def _count_and_serialize(monkeypatch, calls: list[str]) -> None:
    """moto's transactions are not safe between threads; those of DynamoDB are."""
    call, lock = botocore.client.BaseClient._make_api_call, threading.Lock()

    def one_at_a_time(client, operation, kwargs):
        with lock:
            calls.append(operation)
            return call(client, operation, kwargs)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", one_at_a_time)


@pytest.fixture
def functions(aws):
    """Every function of the template, as it is after a cold start."""
    return Functions()


class Functions:
    """The handlers by name, each loaded once and when first used."""

    def __init__(self) -> None:
        self._modules: dict[str, ModuleType] = {}

    def module(self, name: str) -> ModuleType:
        if name not in self._modules:
            path = ROOT / "functions" / name / "app.py"
            spec = importlib.util.spec_from_file_location(f"function_{name}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            self._modules[name] = module
        return self._modules[name]

    def invoke(self, name: str, event: dict[str, Any]) -> tuple[int, Any]:
        """The status and the decoded body that a function answers an event with."""
        answer = self.module(name).handler(event, None)
        assert answer["headers"]["Content-Type"] == "application/json"
        return answer["statusCode"], json.loads(answer["body"])


def load_event(name: str) -> dict[str, Any]:
    """An event file of events/, as data of one's own."""
    loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return loaded


class Client:
    """One client of one store, calling the functions as the gateway would for it."""

    def __init__(self, functions: Functions, store_hash: str, client_id: str) -> None:
        self.functions = functions
        self.store_hash = store_hash
        self.client_id = client_id

    def call(
        self, name: str, *, hook_id: object = None, body: Any = None, query: dict[str, str] | None = None
    ):
        event = load_event(name)
        event["pathParameters"]["store_hash"] = self.store_hash
        event["requestContext"]["authorizer"] |= {"store_hash": self.store_hash, "client_id": self.client_id}
        event["queryStringParameters"] = query
        if hook_id is not None:
            event["pathParameters"]["id"] = str(hook_id)
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        return self.functions.invoke(name, event)

    def create(self, **fields: Any):
        given = {"scope": "store/order/*", "destination": "https://app.example.com/orders"} | fields
        return self.call("create_hook", body=given)

    def get(self, hook_id: object):
        return self.call("get_hook", hook_id=hook_id)

    def list(self, **query: object):
        return self.call("list_hooks", query={name: str(value) for name, value in query.items()} or None)

    def update(self, hook_id: object, **changes: Any):
        return self.call("update_hook", hook_id=hook_id, body=copy.deepcopy(changes))

    def delete(self, hook_id: object):
        return self.call("delete_hook", hook_id=hook_id)


@pytest.fixture
def client(functions):
    """A client of the store 5ueh97."""
    return Client(functions, "5ueh97", "40c672b9177b5d3a8dbfad24321be15d")


@pytest.fixture
def other_client(functions):
    """Another client of the same store."""
    return Client(functions, "5ueh97", "f" * 32)


@pytest.fixture
def access(aws):
    """The tables of clients and tokens."""
    return AccessTables("TokensTable", "ClientsTable", dynamodb=aws.dynamodb)
