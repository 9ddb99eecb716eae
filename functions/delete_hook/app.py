"""DELETE /stores/{store_hash}/{v2,v3}/hooks/{id}"""

from storehooks.api.hook_output import hook_response
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks = parts.hooks

    @operation
    def delete_hook(request: Request) -> Response:
        """Delete a hook of the caller. The response is the deleted hook."""
        caller = request.caller(DEFAULT_OAUTH_SCOPE)
        return hook_response(request.version, hooks.delete(caller, request.hook_id()))

    return delete_hook


handler = lambda_handler(build)
