"""DELETE /admin/v1/stores/{store_hash}/clients/{client_id}"""

from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler


def build(parts: Parts) -> Handler:
    """Build the handler."""
    remover = parts.client_remover

    @operation
    def delete_client(request: Request) -> Response:
        """Remove a client with its hooks, tokens and secrets, or the rest of one."""
        remover.remove(*request.client_of_admin())
        return Response(204)

    return delete_client


handler = lambda_handler(build)
