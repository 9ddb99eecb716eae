"""A real event from end to end: published, matched, sent, logged, and its retry scheduled.

Each run has a store of its own, whose hash is never used again, with one client, token and hook.
Before that, the run registers a client in a store that all runs share, and removes it last. The next
run finds there what a killed run left.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from storehooks.domain.errors import TransientError
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE
from storehooks_cli.api_client import Api, ApiError, ApiUnreachableError
from storehooks_cli.connection import TOKEN_SECONDS
from storehooks_cli.dlq import DeadLetter
from storehooks_cli.doctor.check import (
    Check,
    Finding,
    Subject,
    failed,
    finding_of,
    missing_right,
    not_checked,
    ok,
)
from storehooks_cli.doctor.leftovers import (
    STORE_HASH,
    check_removal,
    check_taking_out,
    dead_letters,
    new_client_id,
    remove,
    take_out,
)
from storehooks_cli.output import say
from storehooks_cli.stopping import stops_deferred

_SOURCE = "storehooks.doctor"
_SCOPE = "store/order/created"
_UNKNOWN_SCOPE = "store/doctor/unknown"
_DATA = {"type": "order", "id": 1}
# For all arrivals of a run together: a new event source mapping may start this late. Each has 10 s at least.
_ARRIVAL_SECONDS = 75
_MIN_ARRIVAL_SECONDS = 10
_POLL_SECONDS = 0.5
# In AWS the index by which an event finds its hooks is eventually consistent.
_INDEX_SECONDS = 2
# How long a run that is stopped waits for its invalid event to become a dead letter.
_LETTER_SECONDS = 5
_NOT_FOUND = 404


class Trial:
    """The client, hook and events of a run; removed when the context is left.

    :param receiver: where the event goes; None for a path of the stack's own API that responds 404.
    """

    def __init__(self, subject: Subject, receiver: str | None) -> None:
        self._subject = subject
        self._stack = subject.stack
        self._access = subject.stack.access()
        self._receiver = receiver
        self._client_id = new_client_id()
        self._store_hash = STORE_HASH + self._client_id
        self._is_made = False
        self._api: Api | None = None
        self._hook_id = 0
        self._arrival_until: float | None = None  # on the monotonic clock
        self._unknown: str | None = None  # the id of an event that may become a dead letter

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_made or self._unknown is not None:
            try:
                self._remove()
            except BaseException:
                say(self._left)
                raise

    @property
    def events(self) -> list[Check]:
        """An event from end to end, published in each of the two ways."""
        return [Check("event by HTTP", self._by_http), Check("event by the bus", self._by_bus)]

    @property
    def unknown_scope(self) -> Check:
        """Whether an invalid entry of the bus becomes a dead letter, with its reason."""
        return Check("event of an unknown scope", self._of_unknown_scope)

    @property
    def removal(self) -> Check:
        """Removes what this run has made."""
        return Check("removal", self._removed)

    @property
    def _left(self) -> str:
        return f"this run's store {self._store_hash} may not be empty; the next run removes the rest"

    # ------------------------------------------------------------ the events

    def _by_http(self, _subject: Subject) -> Finding:
        def publish(api: Api) -> str:
            (event,) = api.post("events", "", {"scope": _SCOPE, "data": _DATA})
            return str(event["id"])

        return self._tried(publish)

    def _by_bus(self, _subject: Subject) -> Finding:
        def publish(_api: Api) -> str:
            detail = {"store_hash": self._store_hash, "data": _DATA}
            return self._stack.event_bus().put(_SOURCE, _SCOPE, detail)

        return self._tried(publish)

    def _tried(self, publish: Callable[[Api], str]) -> Finding:
        """Publish an event, and wait for its attempt."""
        try:
            api = self._ready()
            if api is None:
                return not_checked(
                    "the local stack refuses destinations on this machine",
                    "start it with ALLOW_PRIVATE_DESTINATIONS=true, or give a public URL with --receiver",
                )
            event_id = publish(api)
            return self._arrived(api, event_id)
        except ApiUnreachableError as error:
            return failed(
                f"no response from {self._stack.api_url}: {error}",
                "check that this machine reaches it; with DomainName, DNS has to lead to CustomDomainTarget",
            )
        except ApiError as error:
            about = "; ".join(error.messages) or "without a readable reason"
            return failed(
                f"{self._stack.api_url} responded {error.status}: {about}",
                "see docs/runbook.md#apierrorsalarm",
            )

    def _ready(self) -> Api | None:
        """The API, once the run has a hook; None if the local stack refuses its destination."""
        if self._api is not None:
            return self._api
        if not self._is_made:
            check_removal(self._stack, self._client_id)
        # If a signal ended the run during the request, the hook could appear after its removal.
        with stops_deferred():
            expires_at = int(time.time()) + TOKEN_SECONDS
            try:
                self._access.create_token(STORE_HASH, self._client_id, expires_at=expires_at)
            except TransientError as error:
                # Unless the first of its writes was refused, it may have taken effect.
                self._is_made |= missing_right(error) != "dynamodb:UpdateItem"
                raise
            self._is_made = True
            token = self._access.create_token(
                self._store_hash,
                self._client_id,
                (DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE),
                expires_at=expires_at,
            )
            api = Api(self._stack.api_url, self._store_hash, token.access_token)
            hook = {"scope": _SCOPE, "destination": self._destination, "is_active": True}
            try:
                self._hook_id = int(api.post("hooks", "", hook)["id"])
            except ApiError as error:
                if self._subject.is_local and self._receiver is None and "destination" in error.fields:
                    return None
                raise
        if not self._subject.is_local:
            time.sleep(_INDEX_SECONDS)
        self._api = api
        return api

    @property
    def _destination(self) -> str:
        return self._receiver or f"{self._stack.api_url}/{STORE_HASH}"

    def _arrived(self, api: Api, event_id: str) -> Finding:
        started = time.monotonic()
        trace = self._subject.to_type("trace", event_id)
        delivery = self._arrival(lambda: self._attempted(api, event_id))
        seconds = time.monotonic() - started
        if delivery is None:
            return failed(
                f"event {event_id} was published, but after {seconds:.0f} s no attempt is logged",
                f"{trace} shows where it stopped; the checks event sources and dead letters may show why",
            )
        attempt = delivery["attempts"][0]
        times = ", ".join(
            f"{name.removesuffix('_ms')} {value} ms"
            for name, value in attempt["times"].items()
            if value is not None
        )
        found = f"event {event_id} to {self._destination}: "
        if attempt["status"] is None:
            return failed(f"{found}{attempt['error']}", f"make it respond; {trace} shows more")
        found += f"signed and sent ({times}), responded {attempt['status']}, logged after {seconds:.1f} s"
        if self._receiver is not None:
            if attempt["error"] is None:
                return ok(found)
            return failed(found, "make the receiver respond with a 2xx")
        if attempt["status"] != _NOT_FOUND:
            return failed(
                found, "expected 404: check that ApiUrl leads to this stack, and what is in front of it"
            )
        if delivery["next_attempt_at"] is None:
            return failed(f"{found}, no retry scheduled", f"see RetrySchedule; {trace} shows more")
        return ok(f"{found}; retry scheduled for {delivery['next_attempt_at']}")

    def _attempted(self, api: Api, event_id: str) -> dict[str, Any] | None:
        """The event's delivery, once an attempt is logged."""
        for delivery in api.deliveries(self._hook_id, None, 10):
            if delivery["event_id"] == event_id and delivery["attempts"]:
                return delivery
        return None

    def _arrival[T](self, look: Callable[[], T | None]) -> T | None:
        """What ``look`` finds before the time of the run is over; None if nothing."""
        now = time.monotonic()
        if self._arrival_until is None:
            self._arrival_until = now + _ARRIVAL_SECONDS
        return _awaited(look, max(self._arrival_until, now + _MIN_ARRIVAL_SECONDS))

    # ------------------------------------------------------------ the invalid event

    def _of_unknown_scope(self, _subject: Subject) -> Finding:
        check_taking_out(self._stack)
        detail = {"store_hash": self._store_hash, "id": self._client_id, "data": _DATA}
        self._unknown = self._client_id
        try:
            self._stack.event_bus().put(_SOURCE, _UNKNOWN_SCOPE, detail)
        except TransientError as error:
            if missing_right(error):
                self._unknown = None
            raise
        started = time.monotonic()
        letter = self._arrival(lambda: self._unknown_letter(self._client_id))
        seconds = time.monotonic() - started
        if letter is None:
            return failed(
                f"{_UNKNOWN_SCOPE} is not among the dead letters after {seconds:.0f} s",
                "see the check event sources, and the log of match_events",
            )
        take_out(self._stack, letter)
        self._unknown = None
        if "scope" not in letter.reason:
            return failed(f"a dead letter without its reason: {letter.reason}", "see the log of match_events")
        return ok(f"a dead letter after {seconds:.1f} s, and removed: {letter.reason[:80]}")

    def _unknown_letter(self, event_id: str) -> DeadLetter | None:
        return next((one for one in dead_letters(self._stack) if one.about.get("event_id") == event_id), None)

    # ------------------------------------------------------------ removing

    def _removed(self, _subject: Subject) -> Finding:
        if not self._is_made and self._unknown is None:
            return ok("there is nothing to remove")
        try:
            self._remove()
        except Exception as error:  # noqa: BLE001 - else it would be tried again at the end, and fail there
            self._is_made, self._unknown = False, None
            finding = finding_of(error)
            return replace(finding, found=f"{self._left}: {finding.found}")
        return ok(f"removed the store {self._store_hash}, with its client, token, hook and deliveries")

    def _remove(self) -> None:
        if self._unknown is not None:
            event_id = self._unknown
            until = time.monotonic() + _LETTER_SECONDS
            if letter := _awaited(lambda: self._unknown_letter(event_id), until):
                take_out(self._stack, letter)
            else:
                say(f"the event {event_id} may still become a dead letter; the next run removes it")
            self._unknown = None
        if self._is_made:
            remove(self._stack, self._client_id, settle=True)
            self._is_made = False


def _awaited[T](look: Callable[[], T | None], until: float) -> T | None:
    """What ``look`` finds before this time on the monotonic clock; None if nothing."""
    while (found := look()) is None and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
    return found
