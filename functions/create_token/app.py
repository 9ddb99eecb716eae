"""POST /admin/v1/stores/{store_hash}/clients/{client_id}/tokens"""

from storehooks.api.operation import operation
from storehooks.api.provisioning_input import TokenWanted
from storehooks.api.provisioning_output import new_token_to_json
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler


def build(parts: Parts) -> Handler:
    """Build the handler."""
    issuer, clock = parts.token_issuer, parts.clock

    @operation
    def create_token(request: Request) -> Response:
        """Create a token for a client."""
        store_hash, client_id = request.client_of_admin()
        wanted = TokenWanted.parse(request.json_object())
        expires_at = wanted.expires_at(int(clock()))
        new = issuer.issue(store_hash, client_id, wanted.oauth_scopes, expires_at=expires_at)
        return Response(201, new_token_to_json(new))

    return create_token


handler = lambda_handler(build)
