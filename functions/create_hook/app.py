"""POST /stores/{store_hash}/{v2,v3}/hooks"""

from storehooks.api.hook_input import NewHook
from storehooks.api.hook_output import hook_response
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, quotas = parts.hooks, parts.hook_quotas
    allow_private = parts.settings.allow_private_destinations

    @operation
    def create_hook(request: Request) -> Response:
        """Create a hook of the caller."""
        caller = request.caller(DEFAULT_OAUTH_SCOPE)
        new = NewHook.parse(request.json_object(), allow_private=allow_private)
        hook = hooks.create(caller, **new.fields(), quotas=quotas)
        return hook_response(request.version, hook, is_new=True)

    return create_hook


handler = lambda_handler(build)
