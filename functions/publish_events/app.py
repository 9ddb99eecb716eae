"""POST /stores/{store_hash}/v2/events"""

from aws_lambda_powertools import Logger

from storehooks.api.event_envelope import published_to_v2, to_envelope
from storehooks.api.event_input import MAX_BYTES, MAX_EVENTS, NewEvent
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.event import client_publisher
from storehooks.domain.identity import EVENTS_OAUTH_SCOPE

logger = Logger(utc=True)


def build(parts: Parts) -> Handler:
    """Build the handler."""
    queue, clock = parts.events_queue, parts.clock

    @operation
    def publish_events(request: Request) -> Response:
        """Publish one event or an array of events: all of them, or none if one is invalid."""
        caller = request.caller(EVENTS_OAUTH_SCOPE)
        objects, in_array = request.json_objects(limit=MAX_EVENTS, max_bytes=MAX_BYTES)
        accepted_at = int(clock() * 1_000_000)
        envelopes = [
            # Each event has its own microsecond, so that the delivery log keeps their order.
            to_envelope(new, caller, accepted_at + position)
            for position, new in enumerate(NewEvent.parse_all(objects, in_array=in_array))
        ]
        published = [published_to_v2(envelope) for envelope in envelopes]
        publisher = client_publisher(caller.client_id)
        logger.info("publishing", event_ids=[event["id"] for event in published], publisher=publisher)
        queue.send(envelopes)
        return Response(202, published)

    return publish_events


handler = lambda_handler(build)
