"""What can go wrong, in the domain's own words.

Every error carries the data that explains it. Which status and body a caller sees
stands in one table, :mod:`storehooks.api.errors`.
"""

from dataclasses import dataclass


class StorehooksError(Exception):
    """Any failure that storehooks foresees."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what a caller sent.

    ``given`` is what the caller sent, where repeating it helps and tells nothing secret.
    """

    field: str
    reason: str
    accepted: str
    given: str | None = None


class InvalidValueError(StorehooksError, ValueError):
    """A value breaks a rule: why, and what is accepted instead."""

    def __init__(self, reason: str, accepted: str, given: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.accepted = accepted
        self.given = given


class InvalidRequestError(StorehooksError):
    """A request has one or more problems; nothing was done."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(", ".join(problem.field for problem in problems))
        self.problems = problems


class InvalidFieldsError(InvalidRequestError):
    """The same, where the body is well-formed and it is what its fields say that is wrong."""


class NothingToChangeError(InvalidFieldsError):
    """An update names no field that could be changed."""


class BodyTooLargeError(StorehooksError):
    """A request body is over the limit, in bytes or in what ``unit`` says."""

    def __init__(self, limit: int, unit: str = "bytes") -> None:
        super().__init__(limit, unit)
        self.limit = limit
        self.unit = unit


class UnsupportedMediaTypeError(StorehooksError):
    """A request body is declared as something other than JSON in UTF-8."""

    def __init__(self, media_type: str) -> None:
        super().__init__(media_type)
        self.media_type = media_type


class UnauthenticatedError(StorehooksError):
    """An access token stands for nobody."""


class NotAllowedError(StorehooksError):
    """The caller's access token does not cover what was asked."""


class HookNotFoundError(StorehooksError):
    """The caller has no hook of this id, which may be no id at all."""

    def __init__(self, hook_id: int | str) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id


class DuplicateHookError(StorehooksError):
    """The client already has a hook for this scope and destination."""

    def __init__(self, hook_id: int) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id


class TooManyHooksError(StorehooksError):
    """The client already has as many hooks for this scope as it may."""

    def __init__(self, scope: str, limit: int) -> None:
        super().__init__(scope, limit)
        self.scope = scope
        self.limit = limit


class HookInactiveError(StorehooksError):
    """Nothing is sent to a hook that is switched off; ``reason`` says why failures did that, if they did."""

    def __init__(self, hook_id: int, reason: str | None) -> None:
        super().__init__(hook_id)
        self.hook_id = hook_id
        self.reason = reason


class StoreBusyError(StorehooksError):
    """The store has too much to do for the moment."""


class StoreFailedError(StorehooksError):
    """The store failed, or did not answer. Whether a write took effect is unknown."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class DeliveryNotFoundError(StorehooksError):
    """The hook has no delivery of this id, or none any more."""


class MailFailedError(StorehooksError):
    """An e-mail was not taken, or it is not known whether it was.

    ``reason`` is what SES says of it, with the local part of each address masked.
    """

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


class RecoveryNotFoundError(StorehooksError):
    """The hook has no recovery of this id, or none any more."""


class QueueFailedError(StorehooksError):
    """A queue or the event bus took only a part of what it was given, or nothing.

    ``failed`` are the positions of what it did not take, as far as is known.
    """

    def __init__(self, code: str, failed: frozenset[int]) -> None:
        super().__init__(code, len(failed))
        self.code = code
        self.failed = failed
