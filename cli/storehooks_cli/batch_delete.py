"""Deleting many items of a table of DynamoDB."""

from collections.abc import Callable, Iterable, Mapping
from itertools import batched
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import MAX_WRITES, write_batch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

# A partition takes a thousand writes a second: who deletes more waits for seconds.
_TRIES = 8


def delete_items(
    dynamodb: "DynamoDBClient",
    table: str,
    keys: Iterable[Mapping[str, Any]],
    *,
    sleep: Callable[[float], None],
) -> None:
    """Delete items, 25 to a call, whether they exist or not.

    :raises storehooks.domain.errors.StoreBusyError: when DynamoDB does not take all of them after several
        tries.
    """
    for chunk in batched(keys, MAX_WRITES, strict=False):
        deletes: list[WriteRequestTypeDef] = [{"DeleteRequest": {"Key": key}} for key in chunk]
        write_batch(dynamodb, table, deletes, tries=_TRIES, sleep=sleep)
