"""The authorizer: resolves an access token to its store, client and OAuth scopes."""

from typing import Any

from aws_lambda_powertools import Logger

from storehooks.api.access_policy import access_policy
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.errors import UnauthenticatedError

logger = Logger(utc=True)


def build(parts: Parts) -> Handler:
    """Build the handler."""
    tokens = parts.tokens

    def authorize(event: dict[str, Any], _context: object) -> dict[str, Any]:
        """Respond to the gateway's TOKEN authorizer event."""
        try:
            caller = tokens.caller(event["authorizationToken"])
        except UnauthenticatedError:
            logger.info("unknown token")
            # The gateway turns only this text into a 401; any other error is a 500.
            raise Exception("Unauthorized") from None  # noqa: TRY002
        logger.info("authorized", store_hash=caller.store_hash, client_id=caller.client_id)
        return access_policy(caller, event["methodArn"])

    return authorize


handler = lambda_handler(build)
