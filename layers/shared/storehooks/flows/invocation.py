"""Logging that all functions share which are not invoked by a request."""

from aws_lambda_powertools import Logger

logger = Logger(utc=True)


def log_request_id(context: object) -> None:
    """Add Lambda's request id to all log lines from here on.

    Lambda's own lines have the same id, so a line of ours leads to the one that says how the invocation
    ended.

    :param context: the context that Lambda passes to a handler.
    """
    logger.append_keys(request_id=getattr(context, "aws_request_id", None))
