"""Common parts of all tables: batches, queries, and DynamoDB's errors as errors of the domain."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from storehooks.adapters.aws import error_code
from storehooks.domain.errors import CorruptItemError, StoreBusyError, StoreFailedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

type Item = dict[str, Any]
"""Attributes in DynamoDB's JSON."""

MAX_WRITES = 25
"""Maximum writes of one call."""

_PAUSE_SECONDS = 0.05
_BUSY_CODES = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
_KEYS = ("store_hash", "hook", "id")


class Batches(Protocol):
    """The batch calls of botocore's client and of :mod:`.direct_dynamodb`."""

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803 - as botocore has it
        """Up to 100 items of some tables."""

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        """Up to 25 puts and deletes."""


def query_pages(dynamodb: "DynamoDBClient", **query: Any) -> Iterator[list[dict[str, Any]]]:
    """The items that a query finds, a megabyte to a call. Each page is read when it is needed."""
    start: dict[str, Any] = {}
    while True:
        with store_errors():
            response = dynamodb.query(**query, **start)
        yield response["Items"]
        if "LastEvaluatedKey" not in response:
            return
        start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}


def read_batch(
    dynamodb: Batches, requests: dict[str, Any], *, tries: int, sleep: Callable[[float], None]
) -> dict[str, list[dict[str, Any]]]:
    """Read up to 100 items of some tables, by table. One call, unless DynamoDB does not return all at once.

    :param requests: by table, the keys and the options of the read.
    :raises StoreBusyError: if items are missing after all retries.
    """
    found: dict[str, list[dict[str, Any]]] = {table: [] for table in requests}
    for number in range(tries):
        if number:
            sleep(_PAUSE_SECONDS * 2**number)
        with store_errors():
            response = dynamodb.batch_get_item(RequestItems=requests)
        for table, items in response["Responses"].items():
            found[table] += items
        requests = dict(response["UnprocessedKeys"])
        if not requests:
            return found
    raise StoreBusyError


def write_batch(
    dynamodb: Batches,
    table: str,
    requests: "list[WriteRequestTypeDef]",
    *,
    tries: int,
    sleep: Callable[[float], None],
) -> None:
    """Do up to 25 puts and deletes without conditions. One call, unless DynamoDB does not do all at once.

    :raises StoreBusyError: if writes are left after all retries.
    """
    for number in range(tries):
        if number:
            sleep(_PAUSE_SECONDS * 2**number)
        with store_errors():
            response = dynamodb.batch_write_item(RequestItems={table: requests})
        requests = response["UnprocessedItems"].get(table, [])
        if not requests:
            return
    raise StoreBusyError


class ConditionFailedError(Exception):
    """A write was refused, because its item was not as expected or a transaction held it.

    The adapter that made the condition handles it; it never leaves the adapters.

    ``item`` is the item that was found, if it was asked for and exists. A write whose response is missed is
    retried, and then finds what it wrote itself.
    """

    def __init__(self, item: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.item = item


class ItemHeldError(ConditionFailedError):
    """A write was refused, because another request's transaction held its item.

    Writes without a condition may get it too, if transactions check the same items.
    """


class TransactionCancelledError(Exception):
    """A transaction was refused. ``reasons`` has one entry per write, in order.

    For the adapter that made the transaction, like :class:`ConditionFailedError`.
    """

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(*(reason.get("Code") for reason in reasons))
        self.reasons = reasons


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn AWS's errors into errors of the domain.

    :raises ConditionFailedError: if a condition failed.
    :raises ItemHeldError: if a transaction held the item.
    :raises TransactionCancelledError: if a transaction was refused.
    :raises StoreBusyError: if AWS throttles.
    :raises StoreFailedError: for everything else, including refused calls: an operator may restore a right or
        repair a table, and an index that is being created is refused like an invalid one.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code == "TransactionConflictException":
            raise ItemHeldError from error
        if code == "ConditionalCheckFailedException":
            raise ConditionFailedError(
                cast("Mapping[str, Any] | None", error.response.get("Item"))
            ) from error
        if code == "TransactionCanceledException":
            raise TransactionCancelledError(error.response.get("CancellationReasons", [])) from error
        if code in _BUSY_CODES:
            raise StoreBusyError from error
        raise StoreFailedError(code) from error
    except BotoCoreError as error:
        raise StoreFailedError(error_code(error)) from error


def reads_item[T](read: Callable[[Mapping[str, Any]], T]) -> Callable[[Mapping[str, Any]], T]:
    """Decorate a function that reads an item: its errors name the item.

    :raises CorruptItemError: instead of the function's errors.
    """

    @wraps(read)
    def reading(item: Mapping[str, Any]) -> T:
        try:
            return read(item)
        except (LookupError, TypeError, ValueError) as error:
            key = [f"{name}={value}" for name in _KEYS if name in item for value in item[name].values()]
            raise CorruptItemError(", ".join(key), type(error).__name__) from error

    return reading
