"""PUT /admin/v1/stores/{store_hash}/clients/{client_id}"""

from storehooks.api.operation import operation
from storehooks.api.provisioning_input import ClientChanges
from storehooks.api.provisioning_output import put_client_to_json
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler


def build(parts: Parts) -> Handler:
    """Build the handler."""
    clients = parts.clients

    @operation
    def put_client(request: Request) -> Response:
        """Create a client of a store unless it exists, and set its name."""
        store_hash, client_id = request.client_of_admin()
        changes = ClientChanges.parse(request.json_object())
        put = clients.put(store_hash, client_id, changes.name)
        return Response(201 if put.is_new else 200, put_client_to_json(put))

    return put_client


handler = lambda_handler(build)
