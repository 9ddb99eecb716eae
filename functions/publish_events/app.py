"""POST /stores/{store_hash}/v2/events"""

import time

from aws_lambda_powertools import Logger

from storehooks.adapters.queue import OutgoingMessage, Queue, as_body
from storehooks.api.event_envelope import event_id, to_envelope
from storehooks.api.event_input import MOST_BYTES, MOST_EVENTS, NewEvent
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.domain.identity import EVENTS_OAUTH_SCOPE
from storehooks.settings import setting

logger = Logger(utc=True)
queue = Queue(setting("EVENTS_QUEUE"))


@operation
def publish_events(request: Request) -> Response:
    """Publish one event or an array of them: all, or none when one is invalid."""
    caller = request.caller(EVENTS_OAUTH_SCOPE)
    objects, in_array = request.json_objects(most=MOST_EVENTS, most_bytes=MOST_BYTES)
    accepted_at = time.time_ns() // 1000
    envelopes = [
        # Each its own microsecond, so that a log sorts them as they came.
        to_envelope(new, caller.store_hash, accepted_at + position)
        for position, new in enumerate(NewEvent.parse_all(objects, in_array=in_array))
    ]
    logger.info("publishing", event_ids=[event_id(envelope) for envelope in envelopes])
    queue.send([OutgoingMessage(as_body(envelope), group=caller.store_hash) for envelope in envelopes])
    return Response(202, [{"id": event_id(one), "scope": one["detail-type"]} for one in envelopes])


handler = publish_events
