"""What all tables have in common: DynamoDB's errors in our words."""

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
"""Attributes as DynamoDB has them."""

MAX_WRITES = 25
"""So many writes are one call."""

_PAUSE_SECONDS = 0.05
_BUSY_CODES = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
_KEYS = ("store_hash", "hook", "id")


class Batches(Protocol):
    """Batch calls as botocore's client has them, which :mod:`.direct_dynamodb` has too."""

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803 - as botocore has it
        """Up to 100 items of some tables."""

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        """Up to 25 puts and deletes."""


def query_pages(dynamodb: "DynamoDBClient", **query: Any) -> Iterator[list[dict[str, Any]]]:
    """The items that a query finds, a megabyte to a call; as it is iterated, so nothing is read in vain."""
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
    """Up to 100 items of some tables, by table. One call, unless DynamoDB does not give all at once.

    :param requests: by table, its keys and how they are read.
    :raises StoreBusyError: when it does not give all of them, however often asked.
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
    """Up to 25 puts and deletes without conditions. One call, unless DynamoDB does not take all at once.

    :raises StoreBusyError: when it does not take all of them, however often asked.
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
    """A write found its item other than expected, or about to change, and was not done.

    For the adapter that made the condition, which handles it: outside of the adapters nobody expects it.

    ``item`` is what it found, if that was asked for and there was one. A write whose response
    is lost is repeated, and then finds what it has itself written.
    """

    def __init__(self, item: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.item = item


class ItemHeldError(ConditionFailedError):
    """A transaction of another request held the item of a write, which was not done.

    It may come to a write without a condition too, where transactions look at the same items.
    """


class TransactionCancelledError(Exception):
    """A transaction was not done. ``reasons`` has one entry per write, in their order.

    For the adapter that made the transaction, like :class:`ConditionFailedError`.
    """

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(*(reason.get("Code") for reason in reasons))
        self.reasons = reasons


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what AWS raises into errors of ours.

    :raises ConditionFailedError:
    :raises ItemHeldError:
    :raises TransactionCancelledError:
    :raises StoreBusyError: when AWS throttles.
    :raises StoreFailedError: for all else, also for a call that is refused: an operator may give back a
        right or mend a table, and an index that is being made is refused as an invalid one is.
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
    """Have a function that reads an item say which one it is, if it cannot.

    :raises CorruptItemError: instead of what the function raises.
    """

    @wraps(read)
    def reading(item: Mapping[str, Any]) -> T:
        try:
            return read(item)
        except (LookupError, TypeError, ValueError) as error:
            key = [f"{name}={value}" for name in _KEYS if name in item for value in item[name].values()]
            raise CorruptItemError(", ".join(key), type(error).__name__) from error

    return reading
