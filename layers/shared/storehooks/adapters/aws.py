"""The clients of AWS services, and their timeouts and retries.

A process has one client of each, because another one would read the service's description again, and open
connections of its own.
"""

import json
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import botocore
import botocore.session
import certifi
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.loaders import Loader
from botocore.parsers import ResponseParserFactory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient

    from storehooks.adapters.direct_dynamodb import DirectDynamoDB

BOTOCORE_VERSION = botocore.__version__
"""The version of botocore, which is part of Lambda's runtime and changes with it."""

# The caller's name in AWS's logs. Botocore would build its own, with all that it knows of this machine, twice
# for each call, which takes as long as a send.
_USER_AGENT = f"storehooks Botocore/{BOTOCORE_VERSION}"

# Two tries of at most 6 s each: the two calls of an operation stay within a function's 29 s.
_CONFIG = Config(
    user_agent=_USER_AGENT,
    connect_timeout=1,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=20,
)
# If a queue accepts a message but the response is missed, a retry sends it twice. So the timeout is longer,
# and storehooks.adapters.queue does the retries.
_QUEUE_CONFIG = Config(
    user_agent=_USER_AGENT,
    connect_timeout=1,
    read_timeout=8,
    retries={"total_max_attempts": 1},
)

_MAIL_CONFIG = Config(connect_timeout=1, read_timeout=8, retries={"total_max_attempts": 1})


@cache
def dynamodb_client(*, tries: int = 2) -> "DynamoDBClient":
    """A DynamoDB client for the function's own region."""
    config = _CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": tries}))
    client = cast("DynamoDBClient", _client("dynamodb", config, _JsonParsers()))
    _pass_json_on(client)
    return client


def direct_dynamodb(clock: Callable[[], float], sleep: Callable[[float], None]) -> "DirectDynamoDB":
    """A client for the same endpoint, with the same credentials, that makes batch calls through libcurl."""
    from storehooks.adapters.direct_dynamodb import DirectDynamoDB

    meta, session = dynamodb_client().meta, _session()
    return DirectDynamoDB(
        endpoint_url=meta.endpoint_url,
        region=meta.region_name,
        user_agent=_USER_AGENT,
        ca_bundle=session.get_config_variable("ca_bundle")
        or os.environ.get("REQUESTS_CA_BUNDLE")
        or certifi.where(),
        credentials=session.get_credentials,
        second=lambda: dynamodb_client(tries=1),
        clock=clock,
        sleep=sleep,
    )


@cache
def sqs_client() -> "SQSClient":
    """An SQS client for the function's own region."""
    return cast("SQSClient", _client("sqs", _QUEUE_CONFIG))


@cache
def events_client() -> "EventBridgeClient":
    """An EventBridge client for the function's own region."""
    return cast("EventBridgeClient", _client("events", _CONFIG))


@cache
def ses_client() -> "SESV2Client":
    """An SES client for the function's own region. It tries once: mail without response may be sent."""
    return cast("SESV2Client", _client("sesv2", _MAIL_CONFIG))


def _client(service: str, config: Config, parsers: ResponseParserFactory | None = None) -> Any:
    """A client of botocore. boto3 makes the same client, with 130 ms more of imports at a cold start."""
    session = _session()
    session.register_component("response_parser_factory", parsers or ResponseParserFactory())
    return session.create_client(service, region_name=os.environ.get("AWS_REGION"), config=config)


@cache
def _session() -> botocore.session.Session:
    """The session of all clients, which share the descriptions that it reads."""
    session = botocore.session.Session()
    session.register_component("data_loader", _Loader())
    return session


class _Loader(Loader):
    """Reads services' descriptions without listing the folders of all four hundred services.

    botocore asks for their names only to see whether the wanted one is among them.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - as botocore has it
        return ["dynamodb", "sqs", "events", "sesv2"]


class _JsonParsers(ResponseParserFactory):
    """Parsers that return DynamoDB's JSON unchanged. Errors are left to botocore's parser."""

    def create_parser(self, protocol_name: str) -> "_JsonParser":  # type: ignore[override]
        return _JsonParser(super().create_parser(protocol_name))


class _JsonParser:
    def __init__(self, parser: Any) -> None:
        self._parser = parser

    def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:
        """Parse a response.

        :raises HTTPClientError: for a 2xx that is not a JSON object, for which botocore returns an empty one.
        """
        if response["status_code"] >= 300:
            return cast("dict[str, Any]", self._parser.parse(response, shape))
        try:
            content = json.loads(response["body"])
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise HTTPClientError(error="a 2xx that is not a JSON object")
        metadata: dict[str, Any] = self._parser.parse(response | {"body": b"{}"}, shape)
        return metadata | content


def _pass_json_on(client: "DynamoDBClient") -> None:
    """Send items unchanged, because callers pass botocore DynamoDB's JSON already.

    Botocore would copy each value of each item by the service's description. For a batch of deliveries that
    took longer than sending them.
    """
    events = client.meta.events
    events.register("provide-client-params.dynamodb.BatchGetItem", _set_reads_aside)  # type: ignore[arg-type]
    events.register("provide-client-params.dynamodb.BatchWriteItem", _set_writes_aside)  # type: ignore[arg-type]
    for operation in ("BatchGetItem", "BatchWriteItem"):
        events.register(f"before-call.dynamodb.{operation}", _put_in)


def _set_reads_aside(params: dict[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
    context["set_aside"] = params
    # The tables' names may decide on the endpoint.
    return {"RequestItems": {table: {"Keys": [{}]} for table in params["RequestItems"]}}


def _set_writes_aside(params: dict[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
    context["set_aside"] = params
    return {"RequestItems": {table: [{}] for table in params["RequestItems"]}}


def _put_in(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = json.dumps(context["set_aside"]).encode()


def error_code(error: ClientError | BotoCoreError) -> str:
    """AWS's code of an error; or the kind of failure if there was no response."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "Unknown")
    return type(error).__name__
