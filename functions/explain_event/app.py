"""POST /stores/{store_hash}/v2/events/explain"""

from storehooks.api.event_envelope import from_envelope, to_envelope
from storehooks.api.event_input import MAX_BYTES, NewEvent
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import explanations_to_v2
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.exact_json import dumps
from storehooks.domain.explanation import explain
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, clock = parts.hooks, parts.clock

    @operation
    def explain_event(request: Request) -> Response:
        """Explain for each of the caller's hooks whether it would get an event. Nothing is published."""
        caller = request.caller(DEFAULT_OAUTH_SCOPE)
        new = NewEvent.parse(request.json_object(max_bytes=MAX_BYTES))
        # Treat it like a published event, so that its callback is the same.
        event = from_envelope(dumps(to_envelope(new, caller, int(clock() * 1_000_000))))
        callback = event.callback()
        explanations = [explain(hook, event.scope, callback) for hook in hooks.all(caller)]
        return Response(200, explanations_to_v2(explanations))

    return explain_event


handler = lambda_handler(build)
