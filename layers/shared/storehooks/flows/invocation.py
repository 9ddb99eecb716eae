"""What functions that no request invokes have in common."""

from aws_lambda_powertools import Logger

logger = Logger(utc=True)


def log_request_id(context: object) -> None:
    """Name the invocation in all that is logged from here on, as Lambda names it in lines of its own.

    A line of ours then leads to the one in which Lambda says how the invocation ended.

    :param context: the one that Lambda gives a handler.
    """
    logger.append_keys(request_id=getattr(context, "aws_request_id", None))
