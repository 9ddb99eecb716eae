"""Says which store and client an access token stands for, and what it may do."""

from typing import Any

from aws_lambda_powertools import Logger

from storehooks.adapters.access import TokensTable
from storehooks.api.access_policy import access_policy
from storehooks.domain.errors import UnauthenticatedError
from storehooks.settings import setting

logger = Logger(utc=True)
tokens = TokensTable(setting("TOKENS_TABLE"))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer the gateway's TOKEN authorizer event."""
    try:
        caller = tokens.caller(event["authorizationToken"])
    except UnauthenticatedError:
        logger.info("unknown token")
        # The one text that the gateway turns into a 401 instead of a 500.
        raise Exception("Unauthorized") from None  # noqa: TRY002
    logger.info("authorized", store_hash=caller.store_hash, client_id=caller.client_id)
    return access_policy(caller, event["methodArn"])
