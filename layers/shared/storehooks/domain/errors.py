"""The errors of storehooks.

Each error is of one of three branches, which say what a caller may do::

    StorehooksError
    ├── TransientError            AWS or the network failed, throttled or refused: a retry may help
    │   ├── StoreBusyError
    │   ├── StoreFailedError
    │   ├── QueueFailedError
    │   └── MailFailedError
    ├── CallerError               the caller asked for something impossible: a retry at once does not help
    │   ├── InvalidValueError
    │   ├── InvalidRequestError
    │   │   └── InvalidFieldsError
    │   │       └── NothingToChangeError
    │   ├── BodyTooLargeError
    │   ├── UnsupportedMediaTypeError
    │   ├── UnsupportedContentEncodingError
    │   ├── UnauthenticatedError
    │   ├── NotAllowedError
    │   ├── HookNotFoundError
    │   ├── DeliveryNotFoundError
    │   ├── RecoveryNotFoundError
    │   ├── ClientNotFoundError
    │   ├── TokenNotFoundError
    │   ├── SecretOverlapError
    │   ├── DuplicateHookError
    │   ├── TooManyHooksError
    │   ├── TooManyAddressesError
    │   ├── HookQuotaError
    │   ├── TooManyAtOnceError
    │   ├── HookPulledError
    │   ├── HookNotPulledError
    │   └── HookInactiveError
    │       └── HookPausedError
    └── FaultError                a mistake of ours, like any exception that is not a StorehooksError
        └── CorruptItemError

A flow catches transient errors, and by name the caller errors that it expects. Everything else is a fault,
which it leaves to :mod:`storehooks.flows.unexpected`. The table in :mod:`storehooks.api.errors` has the
status and body that a caller sees. Every error carries the data that explains it.
"""

import traceback
from dataclasses import dataclass
from typing import Any, Literal


class StorehooksError(Exception):
    """The base of all errors of storehooks. It is never raised itself: each error is of a branch."""


class TransientError(StorehooksError):
    """AWS or the network failed, throttled or refused a call.

    A retry may help: at once, later, or after an operator has restored a right or repaired a table.
    """


class CallerError(StorehooksError):
    """The caller asked for something that is impossible, or that it may not do. Nothing was changed."""


class FaultError(StorehooksError):
    """A mistake of ours, or bad data that one has left. It is not retried in place, and never ignored."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem with the input of a caller.

    ``given`` is the input itself, if repeating it helps and discloses no secret.
    """

    field: str
    reason: str
    accepted: str
    given: str | None = None


class InvalidValueError(CallerError, ValueError):
    """A value breaks a rule. The error says which, and what is accepted."""

    def __init__(self, reason: str, accepted: str, given: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.accepted = accepted
        self.given = given


class InvalidRequestError(CallerError):
    """A request has one or more problems. Nothing was changed."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(", ".join(problem.field for problem in problems))
        self.problems = problems


class InvalidFieldsError(InvalidRequestError):
    """A request's body is well-formed, but values of its fields are invalid."""


class NothingToChangeError(InvalidFieldsError):
    """An update names no field that can change."""


class BodyTooLargeError(CallerError):
    """A request body is over the limit, in bytes or in ``unit``."""

    def __init__(self, limit: int, unit: str = "bytes") -> None:
        super().__init__(limit, unit)
        self.limit = limit
        self.unit = unit


class UnsupportedMediaTypeError(CallerError):
    """A request body is declared as something other than JSON in UTF-8."""

    def __init__(self, media_type: str) -> None:
        super().__init__(media_type)
        self.media_type = media_type


class UnsupportedContentEncodingError(CallerError):
    """A request body is declared as compressed, or encoded in another way."""

    def __init__(self, given: str) -> None:
        super().__init__(given)
        self.given = given


class UnauthenticatedError(CallerError):
    """An access token is missing or unknown, or has expired."""


class NotAllowedError(CallerError):
    """The caller's access token does not allow the operation."""


class HookNotFoundError(CallerError):
    """The caller has no hook of this id, or the text is not an id."""

    def __init__(self, hook_id: int | str) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id


class DuplicateHookError(CallerError):
    """The client already has a hook for this scope, destination and filter."""

    def __init__(self, hook_id: int) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id


class TooManyHooksError(CallerError):
    """The client has the maximum number of hooks for this scope."""

    def __init__(self, scope: str, limit: int) -> None:
        super().__init__(scope, limit)
        self.scope = scope
        self.limit = limit


class TooManyAddressesError(CallerError):
    """The client named the maximum number of new addresses within ``days`` days."""

    def __init__(self, limit: int, days: int) -> None:
        super().__init__(limit, days)
        self.limit = limit
        self.days = days


class HookQuotaError(CallerError):
    """The client, or all clients of its store together, have the maximum number of hooks."""

    def __init__(self, quota: Literal["max_hooks_per_client", "max_hooks_per_store"], limit: int) -> None:
        super().__init__(quota, limit)
        self.quota = quota
        self.limit = limit


class TooManyAtOnceError(CallerError):
    """The client has the maximum number of pings, recoveries or requests for figures under way.

    A retry after ``retry_after_seconds`` may help.
    """

    def __init__(self, what: str, limit: int, retry_after_seconds: int) -> None:
        super().__init__(what, limit)
        self.what = what
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds


class HookPulledError(CallerError):
    """Nothing can be sent to the hook, because consumers pull its deliveries."""

    def __init__(self, hook_id: int) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id


class HookNotPulledError(CallerError):
    """No consumer can pull the hook's deliveries, because they are sent to a URL."""

    def __init__(self, hook_id: int) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id


class HookInactiveError(CallerError):
    """The hook is inactive, or was deactivated for ``reason``. Nothing is sent to it."""

    def __init__(self, hook_id: int, reason: str | None) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id
        self.reason = reason


class HookPausedError(HookInactiveError):
    """The hook is paused, so its deliveries are held."""

    def __init__(self, hook_id: int) -> None:
        super().__init__(hook_id, None)


class StoreBusyError(TransientError):
    """The tables are too busy for the moment."""


class StoreFailedError(TransientError):
    """A call to a table failed, or got no response. Whether a write took effect is unknown."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class DeliveryNotFoundError(CallerError):
    """The hook has no delivery of this id, or it has expired."""


class MailFailedError(TransientError):
    """SES did not accept an e-mail, or it is unknown whether it did.

    ``reason`` is the message of SES, with the local part of each address masked.
    """

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


class RecoveryNotFoundError(CallerError):
    """The hook has no recovery of this id, or it has expired."""


class ClientNotFoundError(CallerError):
    """The store has no such client."""


class TokenNotFoundError(CallerError):
    """The client has no token of this id, or it was revoked or has expired."""


class SecretOverlapError(CallerError):
    """A client's former secret signs until ``until``, in seconds since 1970; no rotation may begin before."""

    def __init__(self, until: int) -> None:
        super().__init__(until)
        self.until = until


class QueueFailedError(TransientError):
    """A queue or the event bus accepted only some of the entries it was sent, or none.

    ``failed`` has the positions of the entries that it did not accept, as far as is known.
    """

    def __init__(self, code: str, failed: frozenset[int]) -> None:
        super().__init__(code, len(failed))
        self.code = code
        self.failed = failed


class CorruptItemError(FaultError):
    """An item of a table cannot be read: an attribute is missing, or has a value that no release writes.

    The text of the error has the item's key, to find it by, and the type of the problem without the value.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


def fault_keys(error: Exception) -> dict[str, Any]:
    """The fields of a log line about a mistake of ours: the exception's type and the lines of its traceback.

    The exception's text is left out, because it could repeat a hook's headers. For an item that cannot be
    read, the key is included.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    item = {"item": str(error)} if isinstance(error, CorruptItemError) else {}
    return {"error": type(error).__name__, "places": places, **item}
