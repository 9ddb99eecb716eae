"""The event bus, on EventBridge."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from storehooks.adapters.aws import error_code
from storehooks.domain.errors import QueueFailedError
from storehooks.domain.exact_json import dumps

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


class EventBus:
    """The bus on which platforms publish events, and storehooks its operational events and notices."""

    def __init__(self, name: str, events: "EventBridgeClient") -> None:
        self._name = name
        self._events = events

    def put(self, source: str, detail_type: str, detail: Mapping[str, Any]) -> str:
        """Put an entry on the bus, and return its id there.

        :param detail_type: the scope of an event, or the kind of a notice.
        :param detail: an event or a notice, with ``store_hash``.
        :raises QueueFailedError: if the bus did not accept it.
        """
        try:
            response = self._events.put_events(
                Entries=[
                    {
                        "EventBusName": self._name,
                        "Source": source,
                        "DetailType": detail_type,
                        "Detail": dumps(detail, in_ascii=True),
                    }
                ]
            )
        except (ClientError, BotoCoreError) as error:
            raise QueueFailedError(error_code(error), frozenset({0})) from error
        (entry,) = response["Entries"]
        if "EventId" not in entry:
            raise QueueFailedError(entry.get("ErrorCode", "Unknown"), frozenset({0}))
        return entry["EventId"]
