"""POST /stores/{store_hash}/v2/hooks/{id}/pull"""

from storehooks.api.operation import operation
from storehooks.api.pull_input import NewPull
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import pulled_to_v2
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """The handler, made of these parts."""
    hooks, puller, meter = parts.hooks, parts.puller, parts.meter

    @operation
    def pull_deliveries(request: Request) -> Response:
        """Take what waits for one of the caller's hooks, and acknowledge what was taken before."""
        caller = request.caller(DEFAULT_OAUTH_SCOPE)
        hook_id = request.hook_id()
        wanted = NewPull.parse(request.json_object())
        with meter.invocation():
            pulled = puller.pull(hooks.get(caller, hook_id), wanted)
        return Response(200, pulled_to_v2(pulled.requests, pulled.unacknowledged, pulled.poll_after_seconds))

    return pull_deliveries


handler = lambda_handler(build)
