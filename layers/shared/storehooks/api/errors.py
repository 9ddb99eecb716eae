"""Which error is which status and which body.

V2 answers with an array of one object per problem:
``[{"status": 400, "message": "...", "details": {...}}]``.
"""

from storehooks.api.response import Response
from storehooks.domain.errors import (
    BodyTooLargeError,
    DuplicateHookError,
    HookNotFoundError,
    InvalidRequestError,
    NotAllowedError,
    Problem,
    StoreBusyError,
    StoreFailedError,
    StorehooksError,
    TooManyHooksError,
    UnsupportedMediaTypeError,
)

RETRY_AFTER_SECONDS = 1
_MOST_OF_GIVEN = 100
_MOST_PROBLEMS = 20

_STATUS: dict[type[StorehooksError], int] = {
    InvalidRequestError: 400,
    NotAllowedError: 403,
    TooManyHooksError: 403,
    HookNotFoundError: 404,
    DuplicateHookError: 409,
    BodyTooLargeError: 413,
    UnsupportedMediaTypeError: 415,
    StoreBusyError: 429,
    StoreFailedError: 503,
}


def error_response(error: StorehooksError) -> Response:
    """The V2 answer to an error of the domain."""
    status = _STATUS.get(type(error), 500)
    headers = {"X-Retry-After": str(RETRY_AFTER_SECONDS)} if status in {429, 503} else {}
    entries = [{"status": status, "message": message} | details for message, details in _explain(error)]
    return Response(status, entries, headers)


def unexpected_error_response() -> Response:
    """The V2 answer when storehooks itself is at fault; it tells the caller nothing of the cause."""
    return Response(500, [{"status": 500, "message": "The service failed."}])


def _explain(error: StorehooksError) -> list[tuple[str, dict[str, object]]]:
    match error:
        case InvalidRequestError(problems=problems):
            return [_explain_problem(problem) for problem in problems[:_MOST_PROBLEMS]]
        case NotAllowedError():
            return [("Your access token does not allow this.", {})]
        case TooManyHooksError(scope=scope, limit=limit):
            message = f"There are {limit} hooks for the scope '{scope}' already, the most a client may have."
            return [(message, {"details": {"field": "scope", "limit": limit}})]
        case HookNotFoundError():
            return [("The requested resource was not found.", {})]
        case DuplicateHookError(hook_id=hook_id):
            message = f"The hook {hook_id} has the same scope and destination."
            return [
                (
                    message,
                    {"details": {"field": "destination", "conflict_reason": "duplicate", "id": hook_id}},
                )
            ]
        case BodyTooLargeError(limit=limit):
            return [(f"The request body is larger than {limit} bytes.", {})]
        case UnsupportedMediaTypeError(media_type=given):
            message = f"The request body is declared as '{_short(given)}'; send application/json in UTF-8."
            return [(message, {})]
        case StoreBusyError():
            return [("Too many requests at once. Try again after the time in X-Retry-After.", {})]
        case StoreFailedError():
            return [("The service is not available for the moment. Try again.", {})]
        case _:
            return [("The service failed.", {})]


def _explain_problem(problem: Problem) -> tuple[str, dict[str, object]]:
    message = (
        f"The field '{_short(problem.field)}' is invalid: it {problem.reason}. Accepted: {problem.accepted}."
    )
    details = {"field": _short(problem.field), "invalid_reason": problem.reason, "accepted": problem.accepted}
    if problem.given is not None:
        details["given"] = _short(problem.given)
    return message, {"details": details}


def _short(text: str) -> str:
    return text if len(text) <= _MOST_OF_GIVEN else text[:_MOST_OF_GIVEN] + "..."
