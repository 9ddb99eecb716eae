"""POST /stores/{store_hash}/v2/hooks/{id}/ping"""

from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import ping_to_v2
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, pinger = parts.hooks, parts.pinger

    @operation
    def ping_hook(request: Request) -> Response:
        """Send a test event to one of the caller's hooks, active or not, and return the result."""
        caller = request.caller(DEFAULT_OAUTH_SCOPE)
        return Response(200, ping_to_v2(*pinger.ping(hooks.get(caller, request.hook_id()))))

    return ping_hook


handler = lambda_handler(build)
