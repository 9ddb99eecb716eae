"""GET /stores/{store_hash}/{v2,v3}/hooks/{id}"""

from storehooks.api.hook_output import hook_response, seen_by
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import READ_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks = parts.hooks

    @operation
    def get_hook(request: Request) -> Response:
        """Return a hook of the caller."""
        caller = request.caller(READ_OAUTH_SCOPE)
        return hook_response(request.version, seen_by(caller, hooks.get(caller, request.hook_id())))

    return get_hook


handler = lambda_handler(build)
