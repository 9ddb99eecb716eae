"""The common part of all operations: turns a request into a response, and logs one line."""

import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from storehooks.api.errors import MAX_PROBLEMS, error_response, unexpected_error_response
from storehooks.api.request import Request
from storehooks.api.response import Response, check_size
from storehooks.domain.errors import CallerError, InvalidRequestError, TransientError, fault_keys

logger = Logger(utc=True)

Handler = Callable[[dict[str, Any], object], dict[str, Any]]


def operation(serve: Callable[[Request], Response]) -> Handler:
    """Turn a function of a request into a Lambda handler.

    Caller errors and transient ones become their responses. Anything else is a mistake of ours: the response
    is a 500, and the log has its type and place, but not its text, which could repeat a hook's headers.

    :param serve: has the operation's name.
    """

    def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
        started = time.perf_counter()
        request = Request(event)
        logger.clear_state()
        logger.append_keys(operation=serve.__name__, **request.log_keys)
        try:
            response = serve(request)
            answered = response.to_gateway()
            check_size(answered)
        except (CallerError, TransientError) as error:
            response = error_response(error, request.version)
            answered = response.to_gateway()
            logger.append_keys(error=type(error).__name__)
            if isinstance(error, InvalidRequestError):
                logger.append_keys(fields=[problem.field[:64] for problem in error.problems[:MAX_PROBLEMS]])
        except Exception as error:  # noqa: BLE001 - the last line of defence
            response = unexpected_error_response(request.version)
            answered = response.to_gateway()
            logger.error("unexpected error", **fault_keys(error))  # noqa: TRY400
        latency_ms = round((time.perf_counter() - started) * 1000, 1)
        logger.info("answered", status=response.status, latency_ms=latency_ms)
        return answered

    return handler
