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
    """The bus by which a platform publishes events, and hears of what storehooks does."""

    def __init__(self, name: str, events: "EventBridgeClient") -> None:
        self._name = name
        self._events = events

    def put(self, source: str, scope: str, detail: Mapping[str, Any]) -> str:
        """Publish an event, and return the id that the bus gave it.

        :param detail: the event, with ``store_hash``.
        :raises QueueFailedError:
        """
        try:
            response = self._events.put_events(
                Entries=[
                    {
                        "EventBusName": self._name,
                        "Source": source,
                        "DetailType": scope,
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
