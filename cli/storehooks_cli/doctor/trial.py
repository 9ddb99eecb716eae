"""A real event from end to end: published, matched, sent, logged, ordered again.

Each run has a store of its own, whose hash is never used again, with one client, token and hook.
A client of a store that all runs share stands for it and goes last: by it the next run finds what
one that was killed has left.
"""

import os
import secrets
import socket
import time
import zlib
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from storehooks.domain.errors import StorehooksError
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE
from storehooks_cli.api_client import Api, ApiError, ApiUnreachableError
from storehooks_cli.connection import TOKEN_SECONDS
from storehooks_cli.dlq import DeadLetter, look_at, queues_of
from storehooks_cli.doctor.check import Check, Finding, Subject, failed, not_checked, ok
from storehooks_cli.doctor.queues import messages
from storehooks_cli.output import say
from storehooks_cli.stopping import stops_deferred

STORE_HASH = "storehooksdoctor"
"""The store of the runs. The store of one run is this with the run's client id."""

_PREFIX = b"doctor".hex()
_SOURCE = "storehooks.doctor"
_SCOPE = "store/order/created"
_UNKNOWN_SCOPE = "store/doctor/unknown"
_DATA = {"type": "order", "id": 1}
# Of a whole run: a queue's new reader may begin so late. What comes later in a run has a few seconds more.
_ARRIVAL_SECONDS = 75
_MIN_ARRIVAL_SECONDS = 10
_POLL_SECONDS = 0.5
# The index by which an event finds its hooks is eventually consistent.
_INDEX_SECONDS = 2
# After the attempt was logged, deliver still writes the hook's circuit and notifies of the failure.
_SETTLE_SECONDS = 2
# How long a run that ends waits for an event that is to become a dead letter.
_LETTER_SECONDS = 5
_MAX_RUN_SECONDS = 10 * 60
_MAX_LETTERS = 1000
"""Among more dead letters, those of killed runs are not looked for."""
_NOT_FOUND = 404


class Trial:
    """What a run makes, and takes away again when its context is left.

    :param receiver: where the event goes; None for a path of the stack's own API that responds 404.
    """

    def __init__(self, subject: Subject, receiver: str | None) -> None:
        self._subject = subject
        self._stack = subject.stack
        self._access = subject.stack.access()
        self._receiver = receiver
        # Which process of which machine: whether it still runs is known here.
        self._client_id = f"{_this_machine()}{os.getpid():06x}{secrets.token_hex(3)}"
        self._store_hash = STORE_HASH + self._client_id
        self._is_made = False
        self._api: Api | None = None
        self._hook_id = 0
        self._arrival_until: float | None = None  # on the monotonic clock
        self._unknown: str | None = None  # the id of an event that may be a dead letter

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_made or self._unknown is not None:
            try:
                self._take_away()
            except BaseException:
                say(self._left)
                raise

    @property
    def leftovers(self) -> Check:
        """Removes what runs that were killed have left."""
        return Check("leftovers", self._remove_leftovers)

    @property
    def events(self) -> list[Check]:
        """An event's way, by each of the two ways in."""
        return [Check("event by HTTP", self._by_http), Check("event by the bus", self._by_bus)]

    @property
    def unknown_scope(self) -> Check:
        """What becomes of an entry of the bus that is no event."""
        return Check("event of an unknown scope", self._of_unknown_scope)

    @property
    def removal(self) -> Check:
        """Takes away what this run has made."""
        return Check("removal", self._removed)

    @property
    def _left(self) -> str:
        return f"the store {self._store_hash} of this run may still have something; the next run removes it"

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
        """Publish an event, and see what became of it."""
        try:
            api = self._ready()
            if api is None:
                return not_checked(
                    "the local stack admits no destination on this machine",
                    "start it with ALLOW_PRIVATE_DESTINATIONS=true, or name a --receiver",
                )
            event_id = publish(api)
            return self._arrived(api, event_id)
        except ApiUnreachableError as error:
            return failed(
                f"no response from {self._stack.api_url}: {error}",
                "see whether this machine reaches it; with DomainName, DNS has to lead to CustomDomainTarget",
            )
        except ApiError as error:
            about = "; ".join(error.messages) or "no reason that can be read"
            return failed(
                f"{self._stack.api_url} responded {error.status}: {about}",
                "see docs/runbook.md#apierrorsalarm",
            )

    def _ready(self) -> Api | None:
        """The API, once there is a hook; None if the local stack admits none."""
        if self._api is not None:
            return self._api
        self._is_made = True
        # A hook that is on its way when the run ends would come after its removal.
        with stops_deferred():
            expires_at = int(time.time()) + TOKEN_SECONDS
            self._access.create_token(STORE_HASH, self._client_id, expires_at=expires_at)
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
        time.sleep(_INDEX_SECONDS)
        self._api = api
        return api

    @property
    def _destination(self) -> str:
        return self._receiver or f"{self._stack.api_url}/{STORE_HASH}"

    def _arrived(self, api: Api, event_id: str) -> Finding:
        started = time.monotonic()
        trace = f"storehooks trace {event_id} {self._subject.options}"
        delivery = self._arrival(lambda: self._attempted(api, event_id))
        seconds = time.monotonic() - started
        if delivery is None:
            return failed(
                f"event {event_id} was published, but after {seconds:.0f} s no attempt is logged",
                f"{trace} shows how far it came; the checks event sources and dead letters may say why",
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
                found, "expected 404: see whether ApiUrl leads to this stack, and what stands before it"
            )
        if delivery["next_attempt_at"] is None:
            return failed(f"{found}, no retry ordered", f"see RetrySchedule; {trace} shows more")
        return ok(f"{found}; retry ordered for {delivery['next_attempt_at']}")

    def _attempted(self, api: Api, event_id: str) -> dict[str, Any] | None:
        """The event's delivery, once there was an attempt."""
        for delivery in api.deliveries(self._hook_id, None, 10):
            if delivery["event_id"] == event_id and delivery["attempts"]:
                return delivery
        return None

    def _arrival[T](self, look: Callable[[], T | None]) -> T | None:
        """What is seen before the time of the run is over; None if nothing."""
        now = time.monotonic()
        if self._arrival_until is None:
            self._arrival_until = now + _ARRIVAL_SECONDS
        return _awaited(look, max(self._arrival_until, now + _MIN_ARRIVAL_SECONDS))

    # ------------------------------------------------------------ an event that is none

    def _of_unknown_scope(self, _subject: Subject) -> Finding:
        self._unknown = self._client_id
        detail = {"store_hash": self._store_hash, "id": self._client_id, "data": _DATA}
        self._stack.event_bus().put(_SOURCE, _UNKNOWN_SCOPE, detail)
        started = time.monotonic()
        letter = self._arrival(lambda: self._unknown_letter(self._client_id))
        seconds = time.monotonic() - started
        if letter is None:
            return failed(
                f"{_UNKNOWN_SCOPE} is not among the dead letters after {seconds:.0f} s",
                "see the check event sources, and the log of match_events",
            )
        self._take_out(letter)
        self._unknown = None
        if "scope" not in letter.reason:
            return failed(f"a dead letter without its reason: {letter.reason}", "see the log of match_events")
        return ok(f"a dead letter after {seconds:.1f} s, and taken out: {letter.reason[:80]}")

    def _unknown_letter(self, event_id: str) -> DeadLetter | None:
        return next((one for one in self._letters() if one.about.get("event_id") == event_id), None)

    def _letters(self) -> list[DeadLetter]:
        (events,) = queues_of(self._stack, "events")
        with stops_deferred():  # until it is over, nobody else sees the dead letters
            return look_at(self._stack.sqs(), events)

    def _take_out(self, letter: DeadLetter) -> None:
        self._stack.sqs().delete_message(
            QueueUrl=self._stack.output("EventsDeadLettersUrl"), ReceiptHandle=letter.receipt_handle
        )

    # ------------------------------------------------------------ taking away

    def _removed(self, _subject: Subject) -> Finding:
        if not self._is_made and self._unknown is None:
            return ok("nothing was made")
        try:
            self._take_away()
        except (StorehooksError, ClientError, BotoCoreError) as error:
            self._is_made, self._unknown = False, None
            return failed(f"{self._left}: {error}", "mend what other checks show, and run it again")
        return ok(f"the store {self._store_hash} is gone, with its client, token, hook and deliveries")

    def _take_away(self) -> None:
        if self._unknown is not None:
            event_id = self._unknown
            until = time.monotonic() + _LETTER_SECONDS
            if letter := _awaited(lambda: self._unknown_letter(event_id), until):
                self._take_out(letter)
            else:
                say(f"the event {event_id} may still become a dead letter; the next run takes it out")
            self._unknown = None
        if self._is_made:
            self._remove(self._client_id, settle=True)
            self._is_made = False

    def _remove(self, client_id: str, *, settle: bool = False) -> None:
        """Remove a run's store, and last of all what stands for it."""
        store_hash = STORE_HASH + client_id
        removal = self._stack.removal(store_hash, None)
        removal.remove(lambda _: None)
        if settle:
            time.sleep(_SETTLE_SECONDS)
            removal.remove(lambda _: None)
        self._stack.hooks().forget_ids(store_hash)
        self._stack.removal(STORE_HASH, client_id).remove(lambda _: None)

    def _remove_leftovers(self, subject: Subject) -> Finding:
        clients = self._access.list_clients(STORE_HASH)
        left = [one.client_id for one in clients if _has_ended(one.client_id, one.created_at)]
        for client_id in left:
            self._remove(client_id)
        number = messages(subject, self._stack.output("EventsDeadLettersUrl"))
        letters = [
            letter
            for letter in (self._letters() if 0 < number <= _MAX_LETTERS else [])
            if letter.about.get("store_hash", "").startswith(STORE_HASH)
            and _has_ended(letter.about.get("event_id", ""), letter.sent_at)
        ]
        for letter in letters:
            self._take_out(letter)
        if not left and not letters:
            return ok("earlier runs have left nothing")
        return ok(f"removed what killed runs had left: {len(left)} stores, {len(letters)} dead letters")


def _awaited[T](look: Callable[[], T | None], until: float) -> T | None:
    """What is seen before this time on the monotonic clock; None if nothing."""
    while (seen := look()) is None and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
    return seen


def _this_machine() -> str:
    """How the ids of runs on this machine begin."""
    return f"{_PREFIX}{zlib.crc32(socket.gethostname().encode()):08x}"


def _has_ended(client_id: str, since: int) -> bool:
    """Whether the run of this client, which began at ``since``, has ended."""
    if client_id.startswith(_this_machine()):
        return not _runs(int(client_id[len(_this_machine()) :][:6], 16))
    return since < time.time() - _MAX_RUN_SECONDS


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return pid != os.getpid()  # an earlier process had this id
