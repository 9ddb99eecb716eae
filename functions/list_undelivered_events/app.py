"""GET /stores/{store_hash}/v3/hooks/events"""

from storehooks.adapters.delivery_log.undelivered import UndeliveredEvents
from storehooks.adapters.hooks_table import HooksTable
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v3 import enveloped, events_to_v3, pagination
from storehooks.domain.delivery import ids_between
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.settings import setting

hooks = HooksTable(setting("HOOKS_TABLE"))
undelivered = UndeliveredEvents(setting("DELIVERIES_TABLE"))


@operation
def list_undelivered_events(request: Request) -> Response:
    """A page of the events that have not reached the caller's hooks, the newest first."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    wanted = request.events_wanted()
    found = undelivered.page(
        caller.store_hash,
        hooks.ids(caller),
        between=ids_between(wanted.since * 1000, wanted.until * 1000 + 999),
        skip=wanted.page.skip,
        most=wanted.page.size,
    )
    data = events_to_v3(found.payloads)
    return Response(200, enveloped(data, pagination(wanted.page, total=found.total, count=len(data))))


handler = list_undelivered_events
