"""POST /admin/v1/stores/{store_hash}/clients/{client_id}/rotate-secret"""

from storehooks.api.operation import operation
from storehooks.api.provisioning_input import SecretRotation
from storehooks.api.provisioning_output import new_secret_to_json
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler


def build(parts: Parts) -> Handler:
    """Build the handler."""
    clients = parts.clients

    @operation
    def rotate_client_secret(request: Request) -> Response:
        """Give a client a new secret. Without an overlap the former ones stop signing at once."""
        store_hash, client_id = request.client_of_admin()
        hours = SecretRotation.parse(request.json_object()).overlap_hours
        new = clients.rotate_secret(store_hash, client_id, overlap_seconds=hours * 3600, force=not hours)
        return Response(200, new_secret_to_json(new))

    return rotate_client_secret


handler = lambda_handler(build)
