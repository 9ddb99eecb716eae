"""GET /stores/{store_hash}/{v2,v3}/hooks"""

from storehooks.api.hook_output import hooks_response
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import READ_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks = parts.hooks

    @operation
    def list_hooks(request: Request) -> Response:
        """Return a page of the caller's hooks by id; past the end, an empty one."""
        caller = request.caller(READ_OAUTH_SCOPE)
        wanted = request.hooks_wanted()
        found = hooks.page(
            caller,
            skip=wanted.page.skip,
            limit=wanted.page.size,
            only=wanted.only,
            is_counted=wanted.is_counted,
        )
        return hooks_response(request.version, found, wanted.page, caller)

    return list_hooks


handler = lambda_handler(build)
