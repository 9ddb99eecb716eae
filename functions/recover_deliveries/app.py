"""POST /stores/{store_hash}/v2/hooks/{id}/recover"""

from storehooks.api.operation import operation
from storehooks.api.recovery_input import NewRecovery
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import recovery_to_v2
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, starter, clock = parts.hooks, parts.recovery_starter, parts.clock

    @operation
    def recover_deliveries(request: Request) -> Response:
        """Start a recovery of one of the caller's hooks: send its deliveries of a time again."""
        caller = request.caller(DEFAULT_OAUTH_SCOPE)
        hook_id = request.hook_id()
        wanted = NewRecovery.parse(request.json_object(), clock())
        recovery = starter.start(hooks.get(caller, hook_id), wanted.statuses, wanted.since, wanted.until)
        return Response(202, recovery_to_v2(recovery))

    return recover_deliveries


handler = lambda_handler(build)
