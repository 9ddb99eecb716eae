"""The status and body of each error.

V2 responds with an array of one object per problem:
``[{"status": 400, "message": "...", "details": {...}}]``, V3 with one object for all:
``{"status": 422, "title": "...", "type": "...", "errors": {"<field>": "..."}}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storehooks.api.iso_time import to_iso
from storehooks.api.response import Response
from storehooks.api.v3 import error_to_v3
from storehooks.api.version import Version
from storehooks.domain.errors import (
    BodyTooLargeError,
    CallerError,
    ClientNotFoundError,
    DeliveryNotFoundError,
    DuplicateHookError,
    FaultError,
    HookInactiveError,
    HookNotFoundError,
    HookNotPulledError,
    HookPausedError,
    HookPulledError,
    HookQuotaError,
    InvalidFieldsError,
    InvalidRequestError,
    NotAllowedError,
    NothingToChangeError,
    Problem,
    RecoveryNotFoundError,
    SecretOverlapError,
    StoreBusyError,
    StorehooksError,
    TokenNotFoundError,
    TooManyAddressesError,
    TooManyAtOnceError,
    TooManyHooksError,
    TransientError,
    UnsupportedContentEncodingError,
    UnsupportedMediaTypeError,
)

if TYPE_CHECKING:
    from storehooks.api.response_types import ErrorDetails, ErrorV2

RETRY_AFTER_SECONDS = 1
MAX_PROBLEMS = 20
_MAX_OF_GIVEN = 100


def error_response(error: StorehooksError, version: Version) -> Response:
    """The response to an error of the domain."""
    if isinstance(error, InvalidRequestError):
        return _invalid_v3(error) if version is Version.V3 else _invalid_v2(error)
    status, message, details = _explain(error)
    headers = {"X-Retry-After": str(_retry_after_seconds(error))} if status in {429, 503} else {}
    if version is Version.V3:
        title = message
        if isinstance(error, HookNotFoundError):
            title = f"Webhook with id [{_short(str(error.hook_id))}] not found"
        errors = {details["field"]: message} if "field" in details else {}
        return Response(status, error_to_v3(status, title, errors), headers)
    return Response(status, [_entry(status, message, details)], headers)


def unexpected_error_response(version: Version) -> Response:
    """The response to a mistake of ours. It does not show the cause."""
    return error_response(FaultError(), version)


def _invalid_v2(error: InvalidRequestError) -> Response:
    return Response(400, [_problem_entry(problem) for problem in error.problems[:MAX_PROBLEMS]])


def _invalid_v3(error: InvalidRequestError) -> Response:
    """V3 distinguishes invalid fields, an unreadable body and an invalid query."""
    problems = error.problems[:MAX_PROBLEMS]
    errors = {_short(problem.field): _problem_text(problem) for problem in problems}
    match error:
        case NothingToChangeError():
            (text,) = errors.values()
            errors = {"data": f"Update webhook request should not be empty. {text}"}
            return Response(422, error_to_v3(422, "The following fields are invalid: data", errors))
        case InvalidFieldsError():
            return Response(422, error_to_v3(422, "JSON data is missing or invalid", errors))
        case _:
            return Response(400, error_to_v3(400, "Input is invalid.", errors))


def _explain(error: StorehooksError) -> tuple[int, str, ErrorDetails]:
    match error:
        case NotAllowedError():
            return 403, "Your access token does not allow this.", {}
        case TooManyHooksError(scope=scope, limit=limit):
            message = f"There are {limit} hooks for the scope '{scope}' already, the most a client may have."
            return 403, message, {"field": "scope", "limit": limit}
        case TooManyAddressesError(limit=limit, days=days):
            message = (
                f"A client may name at most {limit} addresses in {days} days that it did not name before."
            )
            return 403, message, {"field": "emails", "limit": limit}
        case HookQuotaError(quota=quota, limit=limit):
            whose = "client" if quota == "max_hooks_per_client" else "store"
            message = f"This {whose} has {limit} hooks already, the most it may have ({quota})."
            return 403, message, {"quota": quota, "limit": limit}
        case ClientNotFoundError():
            return 404, "The store has no such client.", {}
        case TokenNotFoundError():
            return 404, "The client has no such token.", {}
        case HookNotFoundError() | DeliveryNotFoundError() | RecoveryNotFoundError():
            return 404, "The requested resource was not found.", {}
        case DuplicateHookError(hook_id=hook_id):
            message = f"The hook {hook_id} has the same scope and destination, and the same filter or none."
            return 409, message, {"field": "destination", "conflict_reason": "duplicate", "id": hook_id}
        case HookPulledError(hook_id=hook_id):
            message = f"The hook {hook_id} has the destination pull:, so nothing is sent to it. Pull instead."
            return 409, message, {"field": "destination", "conflict_reason": "pulled", "id": hook_id}
        case HookNotPulledError(hook_id=hook_id):
            message = (
                f"The deliveries of the hook {hook_id} are sent to its destination. "
                "Only those of a hook with the destination pull: can be pulled."
            )
            return 409, message, {"field": "destination", "conflict_reason": "not pulled", "id": hook_id}
        case HookPausedError(hook_id=hook_id):
            message = (
                f"The hook {hook_id} is paused, so nothing is sent to it. "
                'Resume it first: a PUT of {"is_paused": false}.'
            )
            return 409, message, {"field": "is_paused", "conflict_reason": "paused", "id": hook_id}
        case HookInactiveError(hook_id=hook_id, reason=reason):
            why = "" if reason is None else f" Failures deactivated it: {reason}."
            message = (
                f"The hook {hook_id} is not active, so nothing is sent to it.{why} "
                'Activate it first: a PUT of {"is_active": true}.'
            )
            return 409, message, {"field": "is_active", "conflict_reason": "inactive", "id": hook_id}
        case SecretOverlapError(until=until):
            message = (
                f"The secret was rotated before, and the former one signs until {to_iso(until * 1_000_000)}. "
                "With 0 both end at once."
            )
            return 409, message, {"field": "overlap_hours", "conflict_reason": "overlap"}
        case BodyTooLargeError(limit=limit, unit=unit):
            return 413, f"The request body is larger than {limit} {unit}.", {}
        case UnsupportedMediaTypeError(media_type=given):
            message = f"The request body is declared as '{_short(given)}'; send application/json in UTF-8."
            return 415, message, {}
        case UnsupportedContentEncodingError(given=given):
            accepted = "no Content-Encoding, or identity"
            message = f"The request body has the Content-Encoding '{_short(given)}'. Accepted: {accepted}."
            details: ErrorDetails = {
                "field": "Content-Encoding",
                "accepted": accepted,
                "given": _short(given),
            }
            return 415, message, details
        case TooManyAtOnceError(what=what, limit=limit):
            message = (
                f"This client has {limit} {what} under way already, the most it may have at once. "
                "Try again after the seconds in X-Retry-After."
            )
            return 429, message, {"limit": limit}
        case StoreBusyError():
            return 429, "Too many requests at once. Try again after the seconds in X-Retry-After.", {}
        case TransientError():
            return (
                503,
                "The service is not available for the moment. See whether it took effect, and try again.",
                {},
            )
        case CallerError():  # errors that no operation raises
            return 400, "The request is invalid.", {}
        case _:
            return 500, "The service failed.", {}


def _retry_after_seconds(error: StorehooksError) -> int:
    return error.retry_after_seconds if isinstance(error, TooManyAtOnceError) else RETRY_AFTER_SECONDS


def _entry(status: int, message: str, details: ErrorDetails) -> ErrorV2:
    entry: ErrorV2 = {"status": status, "message": message}
    if details:
        entry["details"] = details
    return entry


def _problem_entry(problem: Problem) -> ErrorV2:
    field = _short(problem.field)
    message = f"The field '{field}' is invalid: it {problem.reason}. Accepted: {problem.accepted}."
    details: ErrorDetails = {"field": field, "invalid_reason": problem.reason, "accepted": problem.accepted}
    if problem.given is not None:
        details["given"] = _short(problem.given)
    return _entry(400, message, details)


def _problem_text(problem: Problem) -> str:
    subject = "It" if problem.given is None else f"'{_short(problem.given)}'"
    return f"{subject} {problem.reason}. Accepted: {problem.accepted}."


def _short(text: str) -> str:
    # A lone surrogate is not a character and could not be sent back.
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _MAX_OF_GIVEN else text[:_MAX_OF_GIVEN] + "..."
