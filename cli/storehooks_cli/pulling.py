"""storehooks listen, where the stack cannot reach this machine: a hook whose deliveries are pulled.

Each run has a hook of its own, known by a filter that leaves nothing out. It is removed when the run ends. A
run changes its hook every few minutes, so a hook that is not changed any more is of a run that was killed.
The next run of the same client removes that hook.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.client import CONFLICT, NOT_FOUND
from typing import TYPE_CHECKING, Any

from storehooks.domain.destination import PULLED
from storehooks.domain.pull import MAX_ACKNOWLEDGED
from storehooks_cli.output import fail, say
from storehooks_cli.receiver import Intake, Received
from storehooks_cli.served_hook import gets_deliveries, serve_again
from storehooks_cli.stopping import stops_deferred

if TYPE_CHECKING:
    from storehooks_cli.api_client import Api

_MARK = "storehooks-listen-"
# So few that their forwarding, 20 s each at most, ends while they are hidden from others.
_MAX_PULLED = 5
_VISIBILITY_SECONDS = 120
_MAX_POLL_SECONDS = 5
_MAX_BACKOFF_SECONDS = 20
_ALIVE_EACH_SECONDS = 300
_LEFT_AFTER_SECONDS = 900
_WATCH_EACH_SECONDS = 30
_REMOVAL_TRIES = 5


class Pulling:
    """A run that pulls.

    :param sleep: waits for so many seconds.
    :param clock: seconds since 1970.
    """

    def __init__(
        self,
        api: "Api",
        scope: str,
        intake: Intake,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._intake = intake
        self._sleep = sleep
        self._clock = clock
        mark = _MARK + secrets.token_hex(10)
        self._new_hook = {
            "scope": scope,
            "destination": PULLED,
            "is_active": True,
            "filter": {"scope": [{"anything-but": mark}]},
        }
        self._hook_id = 0
        self._alive_at = 0.0
        self._watched_at = clock()
        self._acknowledged: list[str] = []

    @contextmanager
    def hook(self) -> Iterator[None]:
        """The run's hook. It is removed at the end."""
        self._remove_those_left()
        try:
            self._register()
            yield
        finally:
            with stops_deferred():
                self._remove()

    def deliveries(self) -> Iterator[Received]:
        """What comes, without an end. What the app has not taken comes again after two minutes."""
        while True:
            self._show_life()
            response = self._persistently(self._pull)
            for one in response["data"]:
                received, response_to_it = self._intake.take(one["body"].encode(), one["headers"])
                if 200 <= response_to_it.status < 300:
                    self._acknowledged.append(one["id"])
                yield received
            if not response["data"]:
                self._watch()
                self._sleep(min(response["poll_after_seconds"], _MAX_POLL_SECONDS))

    def _pull(self) -> Any:
        acknowledged = self._acknowledged[:MAX_ACKNOWLEDGED]
        response = self._api.post(
            f"hooks/{self._hook_id}/pull",
            "",
            {"max": _MAX_PULLED, "visibility_seconds": _VISIBILITY_SECONDS, "ack": acknowledged},
        )
        del self._acknowledged[: len(acknowledged)]
        for one in response["not_acknowledged"]:
            if one["reason"] == "late":
                say(f"{one['id']} took too long, so it comes again")
        return response

    def _persistently(self, call: Callable[[], Any]) -> Any:
        """The response to a call, however long the stack or the network is away."""
        from storehooks_cli.api_client import ApiError, ApiUnreachableError

        wait = 1
        while True:
            try:
                try:
                    response = call()
                except ApiError as error:
                    # The hook was removed, or is inactive.
                    if error.status not in {NOT_FOUND, CONFLICT} or not self._serve_again():
                        raise
                    continue
            except ApiUnreachableError as error:
                reason = str(error)
            except ApiError as error:
                if error.status != 429 and error.status < 500:
                    raise
                reason = f"it responded {error.status}"
            else:
                if wait > 1:
                    say("the API responds again")
                return response
            if wait == 1:
                say(f"the API does not respond ({reason}); trying again")
            self._sleep(wait)
            wait = min(2 * wait, _MAX_BACKOFF_SECONDS)

    def _serve_again(self) -> bool:
        """Have the hook get deliveries again. False if it did already: an earlier release cannot pull."""
        if gets_deliveries(self._api, self._hook_id):
            return False
        with stops_deferred():
            self._hook_id = serve_again(self._api, self._hook_id, self._new_hook)
        self._alive_at = self._clock()
        return True

    def _watch(self) -> None:
        """Look at the hook now and then while nothing comes: a paused one gives out nothing."""
        if self._clock() - self._watched_at >= _WATCH_EACH_SECONDS:
            self._persistently(self._serve_again)
            self._watched_at = self._clock()

    def _register(self) -> None:
        from storehooks_cli.api_client import ApiError

        try:
            hook = self._api.post("hooks", "", self._new_hook)
        except ApiError as error:
            if error.status == 400 and "destination" in error.fields:
                fail("the stack is of a release that knows no pulling")
            raise
        self._hook_id, self._alive_at = hook["id"], self._clock()

    def _show_life(self) -> None:
        """Change the hook now and then, so that no other run takes it for one that was left."""
        if self._clock() - self._alive_at >= _ALIVE_EACH_SECONDS:
            changes = {"filter": self._new_hook["filter"]}
            # The hook may be another one by the time it is tried again.
            self._persistently(lambda: self._api.put(f"hooks/{self._hook_id}", "", changes))
            self._alive_at = self._clock()

    def _remove_those_left(self) -> None:
        for hook in list(self._api.hooks()):
            changed_at = datetime.fromisoformat(hook["updated_at"]).timestamp()
            if _is_ours(hook) and changed_at < self._clock() - _LEFT_AFTER_SECONDS:
                self._api.delete(f"hooks/{hook['id']}", "")
                say(f"removed the hook {hook['id']}, which a killed run had left")

    def _remove(self) -> None:
        from storehooks_cli.api_client import ApiError, ApiUnreachableError

        if not self._hook_id:
            return
        for number in range(_REMOVAL_TRIES):
            if number:
                self._sleep(2 ** (number - 1))
            try:
                self._api.delete(f"hooks/{self._hook_id}", "")
            except ApiError as error:
                if error.status == NOT_FOUND:
                    return
            except ApiUnreachableError:
                continue
            else:
                return
        say(f"the hook {self._hook_id} is still there; a run in a quarter of an hour removes it")


def _is_ours(hook: dict[str, Any]) -> bool:
    match hook:
        case {"destination": destination, "filter": {"scope": [{"anything-but": str(mark)}]}}:
            return bool(destination == PULLED and mark.startswith(_MARK))
    return False
