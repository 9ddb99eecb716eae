"""Senders like ``deliver`` in what they do for a message, and as small as their libraries allow.

Each reads the hook, signs, sends, writes the delivery log and a log line. They have no schedule of retries,
no circuit breaker and no SSRF guard, know one secret for all, and do not check whether a delivery was made
before: all of it would cost them more. They have an environment of their own (requirements/senders.in),
because aiobotocore pins an older botocore than ours, so nothing here imports storehooks.

``python -m benchmarks.senders FD`` is the process that :mod:`benchmarks.deliveries` measures.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import ssl
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import version
from multiprocessing.connection import Connection
from typing import Any

type Event = Mapping[str, Any]
type Response = dict[str, Any]
type Item = dict[str, Any]

TIMEOUT_SECONDS = 10
MAX_RESPONSE_BYTES = 1024
"""How much of a response is kept."""
_RETENTION_SECONDS = 30 * 86_400


class Message:
    """What a sender needs of a message of the deliveries queue."""

    __slots__ = ("delivery_id", "event_id", "hook_id", "message_id", "payload", "scope", "store_hash")

    def __init__(self, record: Mapping[str, Any]) -> None:
        delivery = json.loads(record["body"])["delivery"]
        self.message_id: str = record["messageId"]
        self.store_hash: str = delivery["store_hash"]
        self.hook_id: int = delivery["hook_id"]
        self.delivery_id: str = delivery["id"]
        self.event_id: str = delivery["event_id"]
        self.scope: str = delivery["scope"]
        self.payload: bytes = delivery["payload"].encode()

    @property
    def key(self) -> tuple[str, int]:
        return self.store_hash, self.hook_id

    def typed_key(self) -> Item:
        """The hook's key as botocore takes it."""
        return {"store_hash": {"S": self.store_hash}, "id": {"N": str(self.hook_id)}}

    def headers(self, own: Mapping[str, str]) -> dict[str, str]:
        """The hook's own headers, and the signature as Standard Webhooks has it."""
        timestamp = str(int(time.time()))
        signed = f"{self.delivery_id}.{timestamp}.".encode() + self.payload
        digest = hmac.digest(os.environb[b"SECRET"], signed, hashlib.sha256)
        return {
            **own,
            "Content-Type": "application/json",
            "User-Agent": "sender/1.0",
            "webhook-id": self.delivery_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }

    def logged(self, status: int, response: bytes, milliseconds: int) -> dict[str, str | int]:
        """The item of the delivery log."""
        now = int(time.time())
        return {
            "hook": f"{self.store_hash}#{self.hook_id}",
            "id": self.delivery_id,
            "event_id": self.event_id,
            "scope": self.scope,
            "payload": self.payload.decode(),
            "status": status,
            "response": response[:MAX_RESPONSE_BYTES].decode(errors="replace"),
            "milliseconds": milliseconds,
            "created_at": now,
            "expires_at": now + _RETENTION_SECONDS,
        }


class Sent:
    """A message and its attempt."""

    __slots__ = ("item", "message", "milliseconds", "status")

    def __init__(self, message: Message, status: int, response: bytes, since: float) -> None:
        self.message = message
        self.status = status
        self.milliseconds = round((time.perf_counter() - since) * 1000)
        self.item = message.logged(status, response, self.milliseconds)

    def log_line(self) -> str:
        """What the function prints of it."""
        return json.dumps(
            {
                "message": "attempt",
                "delivery_id": self.message.delivery_id,
                "hook_id": self.message.hook_id,
                "store_hash": self.message.store_hash,
                "event_id": self.message.event_id,
                "status": self.status,
                "milliseconds": self.milliseconds,
            }
        )

    def typed_item(self) -> Item:
        """The item as botocore takes it."""
        return {
            name: {"S": value} if isinstance(value, str) else {"N": str(value)}
            for name, value in self.item.items()
        }


def _typed_strings(item: Item) -> dict[str, str]:
    return {name: value["S"] for name, value in item.get("headers", {}).get("M", {}).items()}


def _response(sent: Iterable[Sent]) -> Response:
    """What did not arrive goes back to the queue."""
    return {
        "batchItemFailures": [
            {"itemIdentifier": one.message.message_id} for one in sent if not 200 <= one.status < 300
        ]
    }


class RequestsAndBoto3:
    """A message at a time, with a session and a client that are kept: what most people write."""

    packages = ("requests", "boto3")

    def __init__(self) -> None:
        import boto3
        import requests
        from botocore.config import Config

        # The parameters are right; checking them takes a tenth of a call.
        self._dynamodb = boto3.client("dynamodb", config=Config(parameter_validation=False))
        self._session = requests.Session()
        self._session.verify = os.environ["CA_FILE"]
        # Looking for proxies and a .netrc takes half the time of a request.
        self._session.trust_env = False

    def __call__(self, event: Event) -> Response:
        return _response([self._deliver(Message(record)) for record in event["Records"]])

    def _deliver(self, message: Message) -> Sent:
        hook = self._dynamodb.get_item(TableName=os.environ["HOOKS_TABLE"], Key=message.typed_key())["Item"]
        since = time.perf_counter()
        response = self._session.post(
            hook["destination"]["S"],
            data=message.payload,
            headers=message.headers(_typed_strings(hook)),
            timeout=TIMEOUT_SECONDS,
        )
        sent = Sent(message, response.status_code, response.content, since)
        self._dynamodb.put_item(TableName=os.environ["DELIVERIES_TABLE"], Item=sent.typed_item())
        print(sent.log_line(), flush=True)
        return sent


class _InBatches:
    """One read, all sends at once, one write and one write of log lines for a batch of up to 25."""

    def __init__(self) -> None:
        import aiohttp

        self._loop = asyncio.new_event_loop()
        self._aiohttp = aiohttp
        self._loop.run_until_complete(self._open())

    async def _open(self) -> None:
        context = ssl.create_default_context(cafile=os.environ["CA_FILE"])
        self._session = self._aiohttp.ClientSession(
            connector=self._aiohttp.TCPConnector(ssl=context),
            timeout=self._aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        )

    def __call__(self, event: Event) -> Response:
        return self._loop.run_until_complete(self._deliver([Message(record) for record in event["Records"]]))

    async def _deliver(self, messages: list[Message]) -> Response:
        hooks = await self._read({message.key: message for message in messages}.values())
        sent = await asyncio.gather(*(self._send(message, *hooks[message.key]) for message in messages))
        await self._write(sent)
        print("\n".join(one.log_line() for one in sent), flush=True)
        return _response(sent)

    async def _send(self, message: Message, destination: str, headers: Mapping[str, str]) -> Sent:
        since = time.perf_counter()
        async with self._session.post(
            destination, data=message.payload, headers=message.headers(headers)
        ) as response:
            return Sent(message, response.status, await response.read(), since)

    async def _read(self, wanted: Iterable[Message]) -> dict[tuple[str, int], tuple[str, Mapping[str, str]]]:
        """The destinations and headers of the messages' hooks."""
        raise NotImplementedError

    async def _write(self, sent: Iterable[Sent]) -> None:
        raise NotImplementedError


class AiohttpAndAiobotocore(_InBatches):
    """aiohttp for the requests and for DynamoDB, which aiobotocore speaks."""

    packages = ("aiohttp", "aiobotocore", "botocore")

    async def _open(self) -> None:
        from aiobotocore.config import AioConfig
        from aiobotocore.session import get_session

        await super()._open()
        client = get_session().create_client("dynamodb", config=AioConfig(parameter_validation=False))
        self._dynamodb = await client.__aenter__()

    async def _read(self, wanted: Iterable[Message]) -> dict[tuple[str, int], tuple[str, Mapping[str, str]]]:
        table = os.environ["HOOKS_TABLE"]
        keys = {"Keys": [message.typed_key() for message in wanted]}
        found = await self._dynamodb.batch_get_item(RequestItems={table: keys})
        assert not found["UnprocessedKeys"]
        return {
            (item["store_hash"]["S"], int(item["id"]["N"])): (item["destination"]["S"], _typed_strings(item))
            for item in found["Responses"][table]
        }

    async def _write(self, sent: Iterable[Sent]) -> None:
        puts = [{"PutRequest": {"Item": one.typed_item()}} for one in sent]
        written = await self._dynamodb.batch_write_item(RequestItems={os.environ["DELIVERIES_TABLE"]: puts})
        assert not written["UnprocessedItems"]


class AiohttpAndAiodynamo(_InBatches):
    """aiohttp for the requests and for DynamoDB, which aiodynamo speaks without botocore."""

    packages = ("aiohttp", "aiodynamo")

    async def _open(self) -> None:
        from aiodynamo.client import Client
        from aiodynamo.credentials import EnvironmentCredentials
        from aiodynamo.http.aiohttp import AIOHTTP
        from aiodynamo.models import (
            BatchGetRequest,
            BatchWriteRequest,
        )
        from yarl import URL

        await super()._open()
        self._requests = BatchGetRequest, BatchWriteRequest
        self._dynamodb = Client(
            AIOHTTP(self._session),
            EnvironmentCredentials(),
            os.environ["AWS_REGION"],
            endpoint=URL(os.environ["AWS_ENDPOINT_URL"]),
            numeric_type=int,
        )

    async def _read(self, wanted: Iterable[Message]) -> dict[tuple[str, int], tuple[str, Mapping[str, str]]]:
        table = os.environ["HOOKS_TABLE"]
        keys = [{"store_hash": message.store_hash, "id": message.hook_id} for message in wanted]
        found = await self._dynamodb.batch_get({table: self._requests[0](keys)})
        assert not found.unprocessed_keys
        return {
            (item["store_hash"], item["id"]): (item["destination"], item.get("headers", {}))
            for item in found.items[table]
        }

    async def _write(self, sent: Iterable[Sent]) -> None:
        puts = self._requests[1](items_to_put=[one.item for one in sent])
        assert not await self._dynamodb.batch_write({os.environ["DELIVERIES_TABLE"]: puts})


SENDERS: Mapping[str, type[RequestsAndBoto3 | AiohttpAndAiobotocore | AiohttpAndAiodynamo]] = {
    "requests + boto3": RequestsAndBoto3,
    "aiohttp + aiobotocore": AiohttpAndAiobotocore,
    "aiohttp + aiodynamo": AiohttpAndAiodynamo,
}


def serve(control: Connection) -> None:
    """Measure a sender each time that this is asked for.

    The sender's name and its events come first; its versions go back. Each time, what it took goes back:
    seconds by the clock and of the core.
    """
    name, events = control.recv()
    send = SENDERS[name]()
    control.send({package: version(package) for package in send.packages})
    while True:
        control.recv()
        wall, core = time.perf_counter(), time.process_time()
        for event in events:
            response = send(event)
            assert response == {"batchItemFailures": []}, response
        control.send((time.perf_counter() - wall, time.process_time() - core))


def main() -> None:
    # What is logged goes where it costs about what a pipe to Lambda's log does.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with suppress(EOFError):  # whoever measures has ended
        serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
