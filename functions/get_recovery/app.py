"""GET /stores/{store_hash}/v2/hooks/{id}/recoveries/{recovery_id}"""

from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import recovery_to_v2
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import READ_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, recoveries = parts.hooks, parts.recoveries

    @operation
    def get_recovery(request: Request) -> Response:
        """Return the progress of a recovery of one of the caller's hooks."""
        caller = request.caller(READ_OAUTH_SCOPE)
        hook = hooks.get(caller, request.hook_id())
        return Response(200, recovery_to_v2(recoveries.get(hook.store_hash, hook.id, request.recovery_id())))

    return get_recovery


handler = lambda_handler(build)
