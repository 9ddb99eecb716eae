"""The real handlers over moto's DynamoDB, with tables as template.yaml defines them."""

import copy
import functools
import io
import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.client
import moto.backend_index
import moto.core.responses
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import camelcase_to_underscores, method_names_from_class
from moto.dynamodb.models import Table, dynamodb_backends
from moto.sqs.models import sqs_backends

from storehooks.adapters.aws import dynamodb_client, events_client, ses_client, sqs_client
from storehooks.adapters.delivery_log.items import from_item
from storehooks.adapters.delivery_log.keys import hook_of
from storehooks.api.operation import logger
from storehooks.composition import Handler, Parts
from storehooks.domain.delivery import Delivery
from storehooks.settings import Settings
from storehooks_cli.access import AccessTables
from tests.event_files import load_event
from tests.flow_fixtures import counted, errors, small_steps  # noqa: F401 - fixtures
from tests.function_modules import built_by
from tests.integration.rights import ROLES
from tests.openapi_file import assert_described
from tests.template_file import EMAIL_SENDER, own_variables, parameter, resources, table_definition, template

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
SETTINGS = {
    "HOOKS_TABLE": "HooksTable",
    "CLIENTS_TABLE": "ClientsTable",
    "TOKENS_TABLE": "TokensTable",
    "DELIVERIES_TABLE": "DeliveriesTable",
    "EVENT_IDS_TABLE": "EventIdsTable",
    "EVENT_BUS": "EventBus",
    "EMAIL_SENDER": EMAIL_SENDER,
    "DELIVERY_TIMEOUT_SECONDS": "10",
    "DELIVERY_RETENTION_DAYS": "30",
    "RETRY_SCHEDULE": "60,180,300",
}

# moto tries the patterns of all services on each request, in turn. Those that storehooks uses come first.
moto.backend_index.backend_url_patterns.sort(
    key=lambda pattern: pattern[0] not in {"dynamodb", "events", "ses", "sqs"}
)
_method_names = functools.cache(method_names_from_class)
_with_underscores = functools.cache(camelcase_to_underscores)


class Aws:
    """The mocked AWS: its clients, and the calls made so far."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refused: list[Any] = []
        self.dynamodb = dynamodb_client()
        self.sqs = sqs_client()
        self.events = events_client()
        self.ses = ses_client()
        self.queues: dict[str, str] = {}

    def create(self) -> None:
        """The tables, queues and the bus of template.yaml, under their logical names."""
        for logical_id in resources("AWS::DynamoDB::Table"):
            self.dynamodb.create_table(**table_definition(logical_id))
        for logical_id in resources("AWS::SQS::Queue"):
            self.queues[logical_id] = self.sqs.create_queue(QueueName=logical_id)["QueueUrl"]
        for logical_id in resources("AWS::Events::EventBus"):
            self.events.create_event_bus(Name=logical_id)
        self.ses.create_email_identity(EmailIdentity=EMAIL_SENDER)

    def empty(self, *names: str) -> None:
        """Take all out of these tables and queues, in no time: in the memory that moto has of them."""
        for name in names:
            if name in self.queues:
                queue = sqs_backends[ACCOUNT][REGION].queues[name]
                queue._messages.clear()
                queue._pending_messages.clear()
            else:
                self._table(name).items.clear()

    def setting(self, value: Any) -> str:
        """What the template's value of a function's variable is here."""
        if not isinstance(value, dict):
            return str(value)
        name = value["Ref"]
        if name in template()["Parameters"]:
            return parameter(name)
        return self.queues.get(name, name)

    def scan(self, table: str) -> list[dict[str, Any]]:
        """Everything in a table, out of moto's memory: what a call to it takes is what most tests take."""
        return [item.to_json()["Attributes"] for item in self._table(table).all_items()]

    @staticmethod
    def _table(name: str) -> Table:
        return dynamodb_backends[ACCOUNT][REGION].tables[name]

    def take(self, queue: str) -> list[dict[str, Any]]:
        """All messages that can be received from a queue, which are then gone; no call counted."""
        taken: list[dict[str, Any]] = []
        with self.uncounted():
            while messages := self.sqs.receive_message(
                QueueUrl=self.queues[queue],
                MaxNumberOfMessages=10,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages"):
                entries = [
                    {"Id": one["MessageId"], "ReceiptHandle": one["ReceiptHandle"]} for one in messages
                ]
                self.sqs.delete_message_batch(QueueUrl=self.queues[queue], Entries=entries)
                taken += messages
        return taken

    # ------------------------------------------------------------ as a deployment: tests.fakes.account too

    def new_process(self, clock: Callable[[], float], **given: object) -> Parts:
        """What a process has that knows nothing of those before."""
        settings = SETTINGS | {"EVENTS_DEAD_LETTERS": self.queues["EventsDeadLetters"]}
        settings |= {"DELIVERIES_QUEUE": self.queues["DeliveriesQueue"]}
        return Parts(Settings(settings), clock=clock, sleep=lambda _: None, **given)

    def new_client(self, store_hash: str) -> tuple[str, str]:
        """The id and the secret of another client of a store."""
        token = AccessTables("TokensTable", "ClientsTable", dynamodb=self.dynamodb).create_token(store_hash)
        return token.client_id, token.client_secret

    def tokens(self, store_hash: str, client_id: str) -> list[str]:
        """The ids of a client's tokens."""
        found = AccessTables("TokensTable", "ClientsTable", dynamodb=self.dynamodb).list_tokens(store_hash)
        return [token.id for token in found if token.client_id == client_id]

    def rotate_secret(self, store_hash: str, client_id: str, until: int) -> str:
        """Give a client a new secret, beside which the one it has signs until a time; the new one."""
        access = AccessTables("TokensTable", "ClientsTable", dynamodb=self.dynamodb, clock=lambda: 0)
        return access.rotate_secret(store_hash, client_id, overlap_seconds=until).client_secret

    def deliveries(self) -> dict[str, Delivery]:
        """All deliveries of the log, by id."""
        items = self.scan("DeliveriesTable")
        return {item["id"]["S"]: from_item(item) for item in items if "payload" in item}

    def due_times(self) -> dict[str, float]:
        """When the sweep has to look at which delivery, or at what is held for a hook."""
        items = self.scan("DeliveriesTable")
        return {
            item["id"]["S"] if "payload" in item else f"held {hook_of(item)[1]}": float(item["due_at"]["N"])
            for item in items
            if "due_shard" in item
        }

    def dead_letters(self) -> list[tuple[str, str]]:
        """The bodies of the events queue's dead letters, each with the reason; they are gone then."""
        return [
            (message["Body"], message["MessageAttributes"]["reason"]["StringValue"])
            for message in self.take("EventsDeadLetters")
        ]

    def stored(self) -> Any:
        """All that is stored, to be compared with what is stored later."""
        return [self.scan(table) for table in resources("AWS::DynamoDB::Table")]

    @contextmanager
    def uncounted(self):
        """Calls that a test makes itself."""
        before = len(self.calls)
        yield
        del self.calls[before:]


@pytest.fixture
def aws(monkeypatch):
    """moto with all that template.yaml creates; each API call is atomic, as in AWS, and is counted."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "storehooks")
    with mock_aws(), pytest.MonkeyPatch.context() as patched:
        # libcurl's calls leave the process, and moto is in it: tests/integration/test_direct_dynamodb.py.
        patched.setattr(Parts, "direct_dynamodb", Parts.dynamodb)
        mocked = Aws()
        mocked.create()
        for function in resources("AWS::Serverless::Function").values():
            for name, value in own_variables(function).items():
                monkeypatch.setenv(name, mocked.setting(value))
        _check_and_serialize(monkeypatch, mocked)
        _answer_quickly(monkeypatch)
        yield mocked
    assert mocked.refused == [], "a function did what its role does not grant"


def _check_and_serialize(monkeypatch, aws: Aws) -> None:
    """moto knows no rights, and its transactions are not safe between threads; those of DynamoDB are."""
    call, lock = botocore.client.BaseClient._make_api_call, threading.Lock()

    def one_at_a_time(client, operation, kwargs):
        with lock:
            ROLES.refuse(aws, operation, kwargs)
            aws.calls.append(operation)
            return call(client, operation, kwargs)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", one_at_a_time)


def _answer_quickly(monkeypatch) -> None:
    """moto looks for thirty names in each value of an item, which is as DynamoDB answers it already; and
    with each call through all that a service can do.
    """
    serialize = BaseJSONSerializer._serialize

    def quickly(serializer, serialized, value, shape, key):
        if shape.name == "AttributeValue" and isinstance(value, dict):
            serialized[key] = value
        else:
            serialize(serializer, serialized, value, shape, key)

    monkeypatch.setattr(BaseJSONSerializer, "_serialize", quickly)
    monkeypatch.setattr(moto.core.responses, "method_names_from_class", _method_names)
    monkeypatch.setattr(moto.core.responses, "camelcase_to_underscores", _with_underscores)


@pytest.fixture
def functions(aws):
    """Every function of the template, as it is after a cold start."""
    functions = Functions()
    yield functions
    functions.close()


class Functions:
    """The functions by name. Each is built when it is first used, of parts of its own, as in its own process.

    The clock and ``sleep`` of all can be changed at any time, parts to be given before the first use.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self.given: dict[str, object] = {}
        self._parts: dict[str, Parts] = {}
        self._handlers: dict[str, Handler] = {}

    def parts(self, name: str) -> Parts:
        """What a function is made of."""
        if name not in self._parts:
            self._parts[name] = Parts(
                Settings(os.environ),
                clock=lambda: self.clock(),  # noqa: PLW0108 - it may be another one later
                sleep=lambda seconds: self.sleep(seconds),  # noqa: PLW0108
                **self.given,
            )
        return self._parts[name]

    def handler(self, name: str) -> Handler:
        """What Lambda calls, with the rights of the function's role."""
        if name not in self._handlers:
            self._handlers[name] = ROLES.assumed(name, built_by(name)(self.parts(name)))
        return self._handlers[name]

    def end(self, name: str) -> None:
        """A function's process ends; the next event meets another one."""
        del self._parts[name], self._handlers[name]

    def close(self) -> None:
        """What Lambda does when it gives up a process."""
        for parts in self._parts.values():
            if "sender" in vars(parts) and "sender" not in self.given:
                parts.sender.close()

    def invoke(self, name: str, event: dict[str, Any]) -> tuple[int, Any]:
        """The status and the decoded body that a function answers an event with; they are as documented."""
        response = self.handler(name)(event, None)
        if response["statusCode"] == 204:
            assert (response["headers"], response["body"]) == ({}, "")
            body = None
        else:
            assert response["headers"]["Content-Type"] == "application/json"
            assert response["headers"]["Cache-Control"] == "no-store"
            body = json.loads(response["body"])
        if "resource" in event:
            assert_described(event["httpMethod"], event["resource"], response, body)
        return response["statusCode"], body


class Client:
    """One client of one store, calling the functions as the gateway would for it, in a version of the API."""

    oauth_scopes = "default"

    def __init__(self, functions: Functions, store_hash: str, client_id: str, *, version: str = "v2") -> None:
        self.functions = functions
        self.store_hash = store_hash
        self.client_id = client_id
        self.version = version

    def call(
        self, name: str, *, hook_id: object = None, body: Any = None, query: dict[str, str] | None = None
    ):
        event = load_event(name)
        event["resource"] = event["resource"].replace("/v2/", f"/{self.version}/")
        event["pathParameters"]["store_hash"] = self.store_hash
        event["requestContext"]["authorizer"] |= {
            "store_hash": self.store_hash,
            "client_id": self.client_id,
            "oauth_scopes": self.oauth_scopes,
        }
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
def log():
    """What the functions log, line by line."""
    written = io.StringIO()
    before = logger.registered_handler.setStream(written)
    yield lambda: written.getvalue().splitlines()
    logger.registered_handler.setStream(before)


@pytest.fixture
def client(functions):
    """A client of the store 5ueh97."""
    return Client(functions, "5ueh97", "40c672b9177b5d3a8dbfad24321be15d")


@pytest.fixture
def v3_client(functions, client):
    """The same client, in the third version of the API."""
    return Client(functions, client.store_hash, client.client_id, version="v3")


@pytest.fixture
def other_client(functions):
    """Another client of the same store."""
    return Client(functions, "5ueh97", "f" * 32)


@pytest.fixture
def access(aws):
    """The tables of clients and tokens."""
    return AccessTables("TokensTable", "ClientsTable", dynamodb=aws.dynamodb)
