"""storehooks over moto, with the calls of AWS counted, and DynamoDB's capacity units by its published rules.

moto answers no true capacity, so it is computed from the items: 4 KB a read unit and half of one
where the read is not consistent, 1 KB a write unit and twice that in a transaction, and what an index
is written besides: nothing if none of its attributes has changed, and two entries if a key has.

- https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
- https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.Writes
"""

import io
import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import botocore.client
from botocore.exceptions import ClientError
from moto import mock_aws
from tests.template_file import own_variables, resources, table_definition

type Item = dict[str, Any]

_READ_UNIT, _WRITE_UNIT = 4096, 1024


@dataclass
class Spent:
    """What some work has come to."""

    calls: list[str] = field(default_factory=list)
    read_units: float = 0.0
    write_units: float = 0.0
    log_bytes: int = 0

    @property
    def as_detail(self) -> dict[str, Any]:
        return {"read units": round(self.read_units, 2), "write units": round(self.write_units, 2)}


class Metered:
    """A mocked AWS with all of the template's tables and queues, and how much was spent of it."""

    def __init__(self, log: io.StringIO) -> None:
        from tests.integration.conftest import Aws  # loads what logs, which has to be to our log

        self.aws = Aws()
        self.aws.create()
        self._log = log
        self._spent: Spent | None = None
        self._lock = threading.Lock()  # moto is not safe between threads, of which deliver has some

    def spent(self, run: Callable[[], object]) -> Spent:
        """What a piece of work spends."""
        self._spent = spent = Spent()
        logged = self._log.tell()
        try:
            run()
        finally:
            self._spent = None
        self._log.seek(logged)
        spent.log_bytes = len(self._log.read().encode())
        return spent

    def count(self, call: Callable[..., Any], operation: str, arguments: Any) -> Any:
        """Make a call, and note what it is and takes."""
        with self._lock:
            return self._counted(call, operation, arguments)

    def _counted(self, call: Callable[..., Any], operation: str, arguments: Any) -> Any:
        spent = self._spent
        if spent is None:
            return call(operation, arguments)
        # What the sweep looks for each minute is the same whether there is anything: it is of the idle cost.
        if arguments.get("IndexName") == "by_due":
            return call(operation, arguments)
        spent.calls.append(operation)
        writes = [(table, key, self._item(call, table, key)) for table, key in _written(operation, arguments)]
        try:
            response = call(operation, arguments)
        except ClientError:
            # A condition that does not hold costs what the write would have.
            spent.write_units += sum(_units_of_write(table, item, item).table for table, _, item in writes)
            raise
        spent.read_units += _read_units(operation, arguments, response)
        for table, key, before in writes:
            units = _units_of_write(table, before, self._item(call, table, key))
            spent.write_units += units.index + units.table * (2 if operation == "TransactWriteItems" else 1)
        return response

    @staticmethod
    def _item(call: Callable[..., Any], table: str, key: Item) -> Item | None:
        found: dict[str, Item] = call("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
        return found.get("Item")


@contextmanager
def metered() -> Iterator[Metered]:
    """A mocked AWS, and the functions' environment. What is printed meanwhile is the functions' log."""
    log = io.StringIO()
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",  # noqa: S106 - moto's
        AWS_REGION="us-east-1",
        POWERTOOLS_SERVICE_NAME="storehooks",
    )
    with redirect_stdout(log), mock_aws():
        counted = Metered(log)
        for function in resources("AWS::Serverless::Function").values():
            for name, value in own_variables(function).items():
                os.environ[name] = counted.aws.setting(value)
        os.environ["ALLOW_PRIVATE_DESTINATIONS"] = "true"  # destinations are on this machine
        client_class: Any = botocore.client.BaseClient
        original = client_class._make_api_call  # noqa: SLF001 - where every call passes

        def call(client: Any, operation: str, arguments: Any) -> Any:
            return counted.count(lambda *made: original(client, *made), operation, arguments)

        client_class._make_api_call = call  # noqa: SLF001
        try:
            yield counted
        finally:
            client_class._make_api_call = original  # noqa: SLF001


def _written(operation: str, arguments: Any) -> Iterator[tuple[str, Item]]:
    """The tables and keys of what a call may change."""
    if operation == "TransactWriteItems":
        for write in arguments["TransactItems"]:
            ((_, one),) = write.items()
            yield one["TableName"], _key(one)
    elif operation == "BatchWriteItem":
        for table, writes in arguments["RequestItems"].items():
            for write in writes:
                ((_, one),) = write.items()
                yield table, _key({"TableName": table, **one})
    elif operation in {"PutItem", "UpdateItem", "DeleteItem"}:
        yield arguments["TableName"], _key(arguments)


def _key(write: Any) -> Item:
    item = write.get("Key") or write["Item"]
    return {name: item[name] for name in _key_names(table_definition(write["TableName"]))}


def _read_units(operation: str, arguments: Any, response: Any) -> float:
    half = 1.0 if arguments.get("ConsistentRead") else 0.5
    if operation == "GetItem":
        return half * _blocks(size(response.get("Item", {})), _READ_UNIT)
    if operation == "Query":
        return half * _blocks(sum(map(size, response.get("Items", []))), _READ_UNIT)
    if operation == "BatchGetItem":
        units = 0.0
        for table, wanted in arguments["RequestItems"].items():
            found = response["Responses"].get(table, [])
            blocks = sum(_blocks(size(item), _READ_UNIT) for item in found) + len(wanted["Keys"]) - len(found)
            units += blocks * (1.0 if wanted.get("ConsistentRead") else 0.5)
        return units
    return 0.0


@dataclass(frozen=True, slots=True)
class _WriteUnits:
    table: int
    index: int


def _units_of_write(table: str, before: Item | None, after: Item | None) -> _WriteUnits:
    sizes = [size(item) for item in (before, after) if item is not None]
    return _WriteUnits(
        table=_blocks(max(sizes, default=0), _WRITE_UNIT),
        index=sum(
            _index_units(index, _projected(table, index, before), _projected(table, index, after))
            for index in table_definition(table).get("GlobalSecondaryIndexes", [])
        ),
    )


def _index_units(index: Any, old: Item | None, new: Item | None) -> int:
    if old == new:
        return 0
    there = [entry for entry in (old, new) if entry is not None]
    if len(there) == 2 and all(there[0][key] == there[1][key] for key in _key_names(index)):
        return _blocks(max(map(size, there)), _WRITE_UNIT)
    return sum(_blocks(size(entry), _WRITE_UNIT) for entry in there)  # one goes, one comes


def _projected(table: str, index: Any, item: Item | None) -> Item | None:
    """An item as an index holds it; None where it is not in it."""
    if item is None or not all(key in item for key in _key_names(index)):
        return None
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    keys = {*_key_names(index), *_key_names(table_definition(table))}
    names = keys.union(projection.get("NonKeyAttributes", []))
    return {name: value for name, value in item.items() if name in names}


def _key_names(of: Any) -> list[str]:
    return [part["AttributeName"] for part in of["KeySchema"]]


def _blocks(number: int, of: int) -> int:
    return max(1, math.ceil(number / of))


def size(item: Item) -> int:
    """The bytes of an item, as DynamoDB counts them."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(typed: Any) -> int:
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return math.ceil(len(value.strip("-").replace(".", "")) / 2) + 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(one) for name, one in value.items())
        case "L":
            return 3 + sum(1 + _value_size(one) for one in value)
        case "SS":
            return sum(len(one.encode()) for one in value)
        case "B":
            return len(value)
        case _:  # BOOL, NULL
            return 1
