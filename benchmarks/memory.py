"""How much memory ``deliver`` takes at most: the largest payloads, to destinations that mean no good.

The function has a process of its own; AWS and the destinations are threads of this one.
"""

import gzip
import hashlib
from collections.abc import Callable, Sequence
from itertools import batched
from typing import Any

from tests.integration.receivers import Connection, Receiver

from benchmarks import deployment
from benchmarks.alone import Said, alone
from benchmarks.measure import Measure, print_measures
from benchmarks.peers import AwsStub, Item, Tables, aws_settings
from storehooks.domain.event import MAX_DATA_BYTES

MAX_MB = 128
BATCHES = 10
HOOKS, STORES = 50, 5
IN_FLIGHT = 200
"""So many sends an invocation has under way at most, while their destinations hang."""

_OK = b"HTTP/1.1 200 OK\r\n"
_BOMB = gzip.compress(bytes(100_000_000))
_HEAD_OF_BOMB = _OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB)


def _hang(connection: Connection) -> None:
    connection.pause()


def _endless_body(connection: Connection) -> None:
    connection.send(b"HTTP/1.1 500 No\r\nContent-Length: 99999999999\r\n\r\n")
    connection.flood(b"x" * 65536)


def _endless_chunks(connection: Connection) -> None:
    connection.send(_OK + b"Transfer-Encoding: chunked\r\n\r\n")
    connection.flood(b"fff0\r\n" + b"x" * 0xFFF0 + b"\r\n")


def _endless_headers(connection: Connection) -> None:
    connection.send(_OK)
    connection.flood(b"X-Header: " + b"x" * 8000 + b"\r\n")


def _endless_header(connection: Connection) -> None:
    connection.send(_OK + b"X-Header: ")
    connection.flood(b"x" * 65536)


def _bomb(connection: Connection) -> None:
    connection.send(_HEAD_OF_BOMB + _BOMB)


def _interim_answers(connection: Connection) -> None:
    connection.flood(b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n")


def _trickle(connection: Connection) -> None:
    connection.trickle(_OK * 10)


BEHAVIOURS: Sequence[Callable[[Connection], None]] = (
    _hang,
    _endless_body,
    _endless_chunks,
    _endless_headers,
    _endless_header,
    _bomb,
    _interim_answers,
    _trickle,
)


class _Aws(AwsStub):
    """Also gives out what waits in the queue, and takes what follows from failures."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.waiting: list[Item] = []

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        match operation:
            case "ReceiveMessage":
                given, self.waiting = self.waiting[: deployment.BATCH], self.waiting[deployment.BATCH :]
                return {"Messages": given}
            case "DeleteMessageBatch":
                return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]], "Failed": []}
            case "PutEvents":
                return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}] * len(request["Entries"])}
        return super()._answer(operation, request)

    def serve(self, connection: Connection) -> None:
        while request := connection.read_request():
            head = "\r\n".join(["", *request.headers, ""]).encode()
            connection.send(self.response(head, request.body))
            connection.receiver.requests.clear()


def measure() -> list[Measure]:
    small, imported = _peak(lambda number: BEHAVIOURS[number % len(BEHAVIOURS)], padding="")
    # For that one character Python takes four bytes for each of the others.
    largest = "\N{PARTY POPPER}" + "x" * (MAX_DATA_BYTES - 100)
    hostile, _ = _peak(lambda number: BEHAVIOURS[number % len(BEHAVIOURS)], padding=largest)
    hanging, _ = _peak(
        lambda _number: _hang,
        padding=largest,
        batches=1,
        waiting=IN_FLIGHT - deployment.BATCH,
        timeout_seconds=10,
    )
    return [
        Measure(
            name="Memory of deliver, batches of the largest payloads to hostile destinations",
            value=hostile,
            unit="MB",
            reach=MAX_MB,
            compared={"imported": imported, "small payloads": small, "largest payloads": hostile},
            compared_unit="MB",
            detail={"batches": BATCHES, "behaviours": [one.__name__.strip("_") for one in BEHAVIOURS]},
        ),
        Measure(
            name=f"Memory of deliver, {IN_FLIGHT} of the largest payloads under way at once",
            value=hanging,
            unit="MB, of 512 that the function has",
        ),
    ]


def _peak(
    behaviour: Callable[[int], Callable[[Connection], None]],
    *,
    padding: str,
    batches: int = BATCHES,
    waiting: int = 0,
    timeout_seconds: int = 1,
) -> tuple[float, float]:
    """The most megabytes after some batches, and after the imports.

    :param waiting: so many more are in the queue, which the function takes itself.
    """

    def behave(connection: Connection) -> None:
        if request := connection.read_request():
            connection.receiver.requests.clear()
            behaviour(int(request.line.split()[1].rpartition("/")[2]))(connection)

    with Receiver(behave, None) as receiver:
        hooks = deployment.hooks(HOOKS, STORES, receiver.url("/hooks"))
        aws = _Aws(deployment.tables(hooks))
        made = deployment.deliveries(hooks, batches * deployment.BATCH + waiting, padding)
        records = [deployment.delivery_record(delivery) for delivery, _ in made]
        aws.waiting = [_message(record) for record in records[batches * deployment.BATCH :]]
        with Receiver(aws.serve, None) as endpoint:
            settings = {
                **deployment.SETTINGS,
                "DELIVERY_TIMEOUT_SECONDS": str(timeout_seconds),
                **aws_settings(endpoint.url(host="127.0.0.1")),
            }
            with alone("deliver", settings) as function:
                said: list[Said] = [
                    function.invoke({"Records": batch})
                    for batch in batched(records[: batches * deployment.BATCH], deployment.BATCH, strict=True)
                ]
                assert all(one.response == {"batchItemFailures": []} for one in said), said
                assert aws.calls["PutItem"] >= 1, "none failed"
                assert not aws.waiting, "not all were taken"
                return said[-1].peak_mb, function.imported.peak_mb


def _message(record: dict[str, Any]) -> Item:
    digest = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
    return {
        "MessageId": record["messageId"],
        "ReceiptHandle": record["receiptHandle"],
        "Body": record["body"],
        "Attributes": record["attributes"],
        "MD5OfBody": digest,
    }


if __name__ == "__main__":
    print_measures(measure())
