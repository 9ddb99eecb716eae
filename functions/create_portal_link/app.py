"""POST /admin/v1/stores/{store_hash}/clients/{client_id}/portal-links"""

from storehooks.api.operation import operation
from storehooks.api.provisioning_input import PortalLinkWanted
from storehooks.api.provisioning_output import portal_link_to_json
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.portal_link import oauth_scopes_of_link


def build(parts: Parts) -> Handler:
    """Build the handler."""
    issuer, clock = parts.token_issuer, parts.clock

    @operation
    def create_portal_link(request: Request) -> Response:
        """Create a link that opens the console signed in as a client."""
        store_hash, client_id = request.client_of_admin()
        wanted = PortalLinkWanted.parse(request.json_object())
        scopes = oauth_scopes_of_link(read_only=wanted.read_only)
        expires_at = wanted.expires_at(int(clock()))
        new = issuer.issue(store_hash, client_id, scopes, expires_at=expires_at, is_portal_link=True)
        return Response(201, portal_link_to_json(request.api_url, new, expires_at))

    return create_portal_link


handler = lambda_handler(build)
