"""The ways in which a call fails, to AWS or to a port of ours, before or after it took effect."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from storehooks.domain.errors import StoreBusyError, StoreFailedError

type Call = Callable[[dict[str, Any]], Any]


class Killed(BaseException):
    """The process ends here."""


def refused(code: str, **extra: Any) -> ClientError:
    """AWS refuses a call with this code."""
    # No message is logged, but for SES's, in which what stands before an @ is masked.
    return ClientError({"Error": {"Code": code, "Message": "refused: hunter2@example.com"}, **extra}, "call")


# What a call to AWS raises, and what a port of ours makes of it.
OF_AWS: dict[str, Callable[[], BaseException]] = {
    "throttled": lambda: refused("ThrottlingException"),
    "unreachable": lambda: ConnectTimeoutError(endpoint_url="x"),
    "unanswered": lambda: ReadTimeoutError(endpoint_url="x"),
    "failed": lambda: refused("InternalServerError"),
    "killed": Killed,
}
OF_PORTS: dict[str, Callable[[], BaseException]] = {
    "throttled": StoreBusyError,
    "unanswered": lambda: StoreFailedError("ReadTimeoutError"),
    "failed": lambda: StoreFailedError("InternalServerError"),
    "killed": Killed,
}
PARTLY = "done in part"
NONE = -1


@dataclass
class Fault:
    """A function's call of this number, counted from 0, goes wrong, or :data:`NONE` does.

    :param way: an error of :data:`OF_AWS` and whether it comes ``before`` or ``after`` the call took
        effect, as in "throttled before"; or :data:`PARTLY`.
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
        error, when = self.way.split()
        return faulty(call, OF_AWS[error], has_effect=when == "after")(given)


def faulty(
    call: Callable[..., Any],
    error: Callable[[], BaseException],
    *,
    has_effect: bool = False,
    goes_wrong: Callable[..., bool] = lambda *_, **__: True,
) -> Callable[..., Any]:
    """The same call, but that it raises an error where ``goes_wrong`` says so of what it is given."""

    def broken(*arguments: Any, **named: Any) -> Any:
        if not goes_wrong(*arguments, **named):
            return call(*arguments, **named)
        if has_effect:
            call(*arguments, **named)
        raise error()

    return broken


def always(error: BaseException) -> Callable[..., Any]:
    """What fails however often it is called, but for a call that asks for nothing."""
    return faulty(lambda _: None, lambda: error, goes_wrong=lambda *given, **_: given != ([],))


def around_aws(patched: Any, meet: Callable[[str, dict[str, Any], Call], Any]) -> None:
    """Have each call to AWS made by ``meet``, of its operation, what it is given, and how it is made."""
    call = BaseClient._make_api_call

    def met(client: BaseClient, operation: str, given: dict[str, Any]) -> Any:
        return meet(operation, given, partial(call, client, operation))

    patched.setattr(BaseClient, "_make_api_call", met)


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
