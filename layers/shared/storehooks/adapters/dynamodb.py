"""What all tables have in common: the client, its patience, and its errors in our words."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storehooks.domain.errors import StoreBusyError, StoreFailedError, StorehooksError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Two tries of at most 6 s each: the two calls of an operation stay within a function's 29 s.
_CONFIG = Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})

_BUSY_CODES = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
# The second: a transaction of another request holds the item.
_RACE_CODES = {"ConditionalCheckFailedException", "TransactionConflictException"}


def dynamodb_client() -> "DynamoDBClient":
    """A DynamoDB client for the function's own region.

    From botocore: boto3 makes the same client, with 130 ms more of imports at a cold start.
    """
    session = botocore.session.get_session()
    client = session.create_client("dynamodb", region_name=os.environ.get("AWS_REGION"), config=_CONFIG)
    return cast("DynamoDBClient", client)


class ConditionFailedError(StorehooksError):
    """A write found its item other than expected, or about to change, and was not done."""


class TransactionCancelledError(StorehooksError):
    """A transaction was not done. ``reasons`` has one entry per write, in their order."""

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(*(reason.get("Code") for reason in reasons))
        self.reasons = reasons


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn what AWS raises into errors of ours.

    :raises ConditionFailedError:
    :raises TransactionCancelledError:
    :raises StoreBusyError: when AWS throttles.
    :raises StoreFailedError: for all else.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "Unknown")
        if code in _RACE_CODES:
            raise ConditionFailedError from error
        if code == "TransactionCanceledException":
            raise TransactionCancelledError(error.response.get("CancellationReasons", [])) from error
        if code in _BUSY_CODES:
            raise StoreBusyError from error
        raise StoreFailedError(code) from error
    except BotoCoreError as error:
        raise StoreFailedError(type(error).__name__) from error
