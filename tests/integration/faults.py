"""The ways in which a call to AWS fails."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

type Call = Callable[[dict[str, Any]], Any]


class Killed(BaseException):
    """The process ends here."""


def _error(code: str) -> ClientError:
    # No message is logged, but for SES's, in which what stands before an @ is masked.
    return ClientError({"Error": {"Code": code, "Message": "refused: hunter2@example.com"}}, "call")


# How it ends, and whether it took effect.
WAYS: dict[str, tuple[BaseException, bool]] = {
    "throttled": (_error("ThrottlingException"), False),
    "unreachable": (ConnectTimeoutError(endpoint_url="x"), False),
    "unanswered": (ReadTimeoutError(endpoint_url="x"), True),
    "failed before": (_error("InternalServerError"), False),
    "failed after": (_error("InternalServerError"), True),
    "killed before": (Killed(), False),
    "killed after": (Killed(), True),
}
PARTLY = "done in part"
NONE = -1


@dataclass
class Fault:
    """A function's call of this number, counted from 0, goes wrong, or :data:`NONE` does.

    :param lasts: so do the further calls of that operation in the same invocation.
    """

    function: str
    number: int
    way: str
    lasts: bool = True
    met: str | None = None
    """The operation that went wrong first."""
    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list, repr=False)
    """All calls of the function, whether they went wrong or not."""
    _invocation: int = field(default=-1, repr=False)
    _numbers: Any = field(default_factory=itertools.count, repr=False)

    def meet(self, invocation: int, operation: str, given: dict[str, Any], call: Call) -> Any:
        """Make a call, or have it go wrong."""
        self.made.append((operation, given))
        if next(self._numbers) == self.number:
            self._invocation, self.met = invocation, operation
        elif not self.lasts or (invocation, operation) != (self._invocation, self.met):
            return call(given)
        if self.way == PARTLY:
            return in_part(operation, given, call)
        error, has_effect = WAYS[self.way]
        if has_effect:
            call(given)
        raise error


def in_part(operation: str, given: dict[str, Any], call: Call) -> Any:
    """A batch of which the first half is done, if it has more than one; the answer names the rest."""
    match operation:
        case "SendMessageBatch" | "DeleteMessageBatch":
            done, left = _halves(given["Entries"])
            response = call(given | {"Entries": done}) if done else {}
            refusal = {"Code": "InternalError", "SenderFault": False}
            return response | {"Failed": [{"Id": entry["Id"]} | refusal for entry in left]}
        case "PutEvents":
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
        case "BatchWriteItem":
            ((table, requests),) = given["RequestItems"].items()
            done, left = _halves(requests)
            if done:
                call({"RequestItems": {table: done}})
            return {"UnprocessedItems": {table: left}}
        case "BatchGetItem":
            wanted = given["RequestItems"]
            halves = {table: _halves(one["Keys"]) for table, one in wanted.items()}
            asked = {table: wanted[table] | {"Keys": done} for table, (done, _) in halves.items() if done}
            found = call({"RequestItems": asked}) if asked else {"Responses": {}}
            unread = {table: wanted[table] | {"Keys": left} for table, (_, left) in halves.items() if left}
            return found | {"UnprocessedKeys": unread}
    return call(given)  # not a batch


def is_batch(operation: str) -> bool:
    """Whether it can be done in part."""
    return operation.startswith("Batch") or operation.endswith("Batch") or operation == "PutEvents"


def _halves(whole: list[Any]) -> tuple[list[Any], list[Any]]:
    middle = len(whole) // 2
    return whole[:middle], whole[middle:]
