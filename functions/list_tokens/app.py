"""GET /admin/v1/stores/{store_hash}/clients/{client_id}/tokens"""

from storehooks.api.operation import operation
from storehooks.api.provisioning_output import tokens_to_json
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler


def build(parts: Parts) -> Handler:
    """Build the handler."""
    tokens = parts.access_tokens

    @operation
    def list_tokens(request: Request) -> Response:
        """List a client's tokens by their SHA-256; their texts are not stored."""
        (store_hash, client_id), wanted = request.client_of_admin(), request.tokens_wanted()
        found, next_cursor = tokens.page(
            store_hash, client_id=client_id, after=wanted.cursor, limit=wanted.limit
        )
        return Response(200, tokens_to_json(found, next_cursor))

    return list_tokens


handler = lambda_handler(build)
