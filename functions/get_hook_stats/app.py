"""GET /stores/{store_hash}/v2/hooks/{id}/stats"""

from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import stats_to_v2
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import READ_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, reader, clock = parts.hooks, parts.stats_reader, parts.clock

    @operation
    def get_hook_stats(request: Request) -> Response:
        """Return the figures of one of the caller's hooks: the results of its deliveries in some time."""
        caller = request.caller(READ_OAUTH_SCOPE)
        wanted = request.stats_wanted(clock())
        hook = hooks.get(caller, request.hook_id())
        return Response(200, stats_to_v2(reader.read(hook, wanted)))

    return get_hook_stats


handler = lambda_handler(build)
