"""What can go wrong, in the domain's own words.

Each error is of one of three branches, by which a caller decides what to do::

    StorehooksError
    ├── TransientError            AWS or the network failed, throttled or refused: to try again may help
    │   ├── StoreBusyError
    │   ├── StoreFailedError
    │   ├── QueueFailedError
    │   └── MailFailedError
    ├── CallerError               the caller asked for what cannot be done: to repeat it at once does not help
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
    └── FaultError                a mistake of ours, like each exception that is no StorehooksError
        └── CorruptItemError

A flow catches transient errors, and by name those of the caller's that it expects. What else it meets
is a fault, which it leaves to :mod:`storehooks.flows.unexpected`. Which status and body a caller sees
stands in one table, :mod:`storehooks.api.errors`. Every error carries the data that explains it.
"""

import traceback
from dataclasses import dataclass
from typing import Any, Literal


class StorehooksError(Exception):
    """Any failure that storehooks foresees. Nothing raises it: each error is of a branch."""


class TransientError(StorehooksError):
    """AWS or the network failed, throttled or refused a call.

    To try again may help: at once, later, or when an operator has given back a right or mended a table.
    """


class CallerError(StorehooksError):
    """The caller asked for what cannot be done, or not by this caller. Nothing was done."""


class FaultError(StorehooksError):
    """A mistake of ours, or what one has left behind. It is not retried in place, and never passed over."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what a caller sent.

    ``given`` is what the caller sent, where repeating it helps and discloses nothing secret.
    """

    field: str
    reason: str
    accepted: str
    given: str | None = None


class InvalidValueError(CallerError, ValueError):
    """A value breaks a rule: why, and what is accepted instead."""

    def __init__(self, reason: str, accepted: str, given: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.accepted = accepted
        self.given = given


class InvalidRequestError(CallerError):
    """A request has one or more problems; nothing was done."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(", ".join(problem.field for problem in problems))
        self.problems = problems


class InvalidFieldsError(InvalidRequestError):
    """The same, where the body is well-formed and it is what its fields say that is wrong."""


class NothingToChangeError(InvalidFieldsError):
    """An update names no field that could be changed."""


class BodyTooLargeError(CallerError):
    """A request body is over the limit, in bytes or in what ``unit`` says."""

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
    """An access token stands for nobody."""


class NotAllowedError(CallerError):
    """The caller's access token does not cover what was asked."""


class HookNotFoundError(CallerError):
    """The caller has no hook of this id, which may be no id at all."""

    def __init__(self, hook_id: int | str) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id


class DuplicateHookError(CallerError):
    """The client already has a hook for this scope, destination and filter."""

    def __init__(self, hook_id: int) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id


class TooManyHooksError(CallerError):
    """The client already has as many hooks for this scope as it may."""

    def __init__(self, scope: str, limit: int) -> None:
        super().__init__(scope, limit)
        self.scope = scope
        self.limit = limit


class TooManyAddressesError(CallerError):
    """The client named, in so many days, as many addresses that were new to it as it may."""

    def __init__(self, limit: int, days: int) -> None:
        super().__init__(limit, days)
        self.limit = limit
        self.days = days


class HookQuotaError(CallerError):
    """The client, or all clients of its store together, have as many hooks as they may."""

    def __init__(self, quota: Literal["max_hooks_per_client", "max_hooks_per_store"], limit: int) -> None:
        super().__init__(quota, limit)
        self.quota = quota
        self.limit = limit


class TooManyAtOnceError(CallerError):
    """The client has as many of :data:`~storehooks.domain.lease.LeaseKind` under way as it may.

    To repeat it later may help.
    """

    def __init__(self, what: str, limit: int, retry_after_seconds: int) -> None:
        super().__init__(what, limit)
        self.what = what
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds


class HookPulledError(CallerError):
    """Nothing is sent to the hook, because its deliveries wait for a consumer."""

    def __init__(self, hook_id: int) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id


class HookNotPulledError(CallerError):
    """No consumer can take the hook's deliveries, because they are sent to a URL."""

    def __init__(self, hook_id: int) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id


class HookInactiveError(CallerError):
    """Nothing is sent to a hook that is switched off; ``reason`` says why failures did that, if they did."""

    def __init__(self, hook_id: int, reason: str | None) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id
        self.reason = reason


class HookPausedError(HookInactiveError):
    """What comes for the hook is held, because its owner has paused it."""

    def __init__(self, hook_id: int) -> None:
        super().__init__(hook_id, None)


class StoreBusyError(TransientError):
    """The store has too much to do for the moment."""


class StoreFailedError(TransientError):
    """The store failed, or did not respond. Whether a write took effect is unknown."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class DeliveryNotFoundError(CallerError):
    """The hook has no delivery of this id, or none any more."""


class MailFailedError(TransientError):
    """An e-mail was not taken, or it is not known whether it was.

    ``reason`` is what SES says of it, with the local part of each address masked.
    """

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


class RecoveryNotFoundError(CallerError):
    """The hook has no recovery of this id, or none any more."""


class ClientNotFoundError(CallerError):
    """The store has no such client."""


class TokenNotFoundError(CallerError):
    """The client has no token of this id, or none any more."""


class SecretOverlapError(CallerError):
    """A client's secret was rotated, and the former one still signs; ``until`` is in seconds since 1970."""

    def __init__(self, until: int) -> None:
        super().__init__(until)
        self.until = until


class QueueFailedError(TransientError):
    """A queue or the event bus took only a part of what it was given, or nothing.

    ``failed`` are the positions of what it did not take, as far as is known.
    """

    def __init__(self, code: str, failed: frozenset[int]) -> None:
        super().__init__(code, len(failed))
        self.code = code
        self.failed = failed


class CorruptItemError(FaultError):
    """An item of a table cannot be read: it lacks something, or holds what no release writes.

    Its text is the item's key, without which nobody would find it, and what is wrong by its type alone.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


def fault_keys(error: Exception) -> dict[str, Any]:
    """What the logs say of a mistake of ours: its type, and the lines that it passed through.

    Not its text, which could repeat a hook's headers; but of an item that cannot be read, its key.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    item = {"item": str(error)} if isinstance(error, CorruptItemError) else {}
    return {"error": type(error).__name__, "places": places, **item}
