"""DELETE /admin/v1/stores/{store_hash}/clients/{client_id}/tokens/{token_id}"""

from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler


def build(parts: Parts) -> Handler:
    """Build the handler."""
    tokens = parts.access_tokens

    @operation
    def delete_token(request: Request) -> Response:
        """Revoke a client's token."""
        store_hash, client_id = request.client_of_admin()
        tokens.delete(store_hash, request.token_id(), client_id=client_id)
        return Response(204)

    return delete_token


handler = lambda_handler(build)
