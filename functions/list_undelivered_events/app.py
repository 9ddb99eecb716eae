"""GET /stores/{store_hash}/v3/hooks/events"""

from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v3 import events_to_v3, pagination
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.delivery import ids_between
from storehooks.domain.identity import READ_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, missed_events = parts.hooks, parts.missed_events

    @operation
    def list_undelivered_events(request: Request) -> Response:
        """Return a page of the events that the caller's hooks missed, the newest first."""
        caller = request.caller(READ_OAUTH_SCOPE)
        wanted = request.events_wanted()
        found = missed_events.page(
            caller.store_hash,
            hooks.ids(caller),
            between=ids_between(wanted.since * 1000, wanted.until * 1000 + 999),
            skip=wanted.page.skip,
            limit=wanted.page.size,
        )
        meta = pagination(wanted.page, total=found.total, count=len(found.payloads))
        return Response(200, events_to_v3(found.payloads, meta))

    return list_undelivered_events


handler = lambda_handler(build)
