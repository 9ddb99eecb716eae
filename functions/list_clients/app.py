"""GET /admin/v1/stores/{store_hash}/clients"""

from storehooks.api.operation import operation
from storehooks.api.provisioning_output import clients_to_json
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler


def build(parts: Parts) -> Handler:
    """Build the handler."""
    clients, hooks = parts.clients, parts.hooks

    @operation
    def list_clients(request: Request) -> Response:
        """List a store's clients, each with its number of hooks."""
        store_hash, wanted = request.store_of_admin(), request.clients_wanted()
        found, next_cursor = clients.page(store_hash, after=wanted.cursor, limit=wanted.limit)
        numbers = hooks.numbers(store_hash, [client.client_id for client in found])
        return Response(200, clients_to_json(found, numbers, next_cursor))

    return list_clients


handler = lambda_handler(build)
