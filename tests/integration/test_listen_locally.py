"""`storehooks listen` and a local stack that goes away and comes back, or whose hook is changed."""

import json
import secrets
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import typer
from botocore.exceptions import EndpointConnectionError

from storehooks.domain.errors import StoreFailedError
from storehooks_cli.local_hook import LocalHook, LocalStore
from tests.integration.scripted_api import scripted_api

CLIENT, OTHER = "a" * 32, "b" * 32
AS_TYPED = f"--store-hash h1 --local --client-id {CLIENT}"
SERVED = {"is_active": True, "is_paused": False, "client_id": CLIENT}


class LocalStack:
    """The options of a local stack, which finds the one that runs. A start outdates what was found before."""

    words = ("--local",)

    def __init__(self, data_dir):
        self.data_dir = data_dir
        self.api_url = "http://127.0.0.1:9"
        self.clients = [CLIENT]
        self.hook = SimpleNamespace(**SERVED)
        self.running = None
        self.calls_until_killed = -1  # never
        self.start()

    def start(self):
        """It has the same port at each start, and another key."""
        self.running = {"endpoint_url": "http://127.0.0.1:4566", "access_key_id": secrets.token_hex(16)}
        self._file.write_text(json.dumps(self.running))

    def stop(self):
        self.kill()
        self._file.unlink()

    def kill(self):
        self.running = None

    def find(self):
        return Found(self, self.running)

    def found_again(self, _running):
        if self.running is None:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:4566")
        return self.find()

    @property
    def _file(self):
        return self.data_dir / "stack.json"


class Found:
    """A stack as it was found, its clients, tokens and hooks."""

    def __init__(self, stack, running):
        self._stack, self._running = stack, running
        self.api_url = stack.api_url

    def access(self):
        return self

    def hooks(self):
        return self

    def find(self, _store_hash, _hook_id):
        self._call()
        return self._stack.hook

    def list_clients(self, _store_hash):
        self._call()
        return [SimpleNamespace(client_id=one) for one in self._stack.clients]

    def create_token(self, _store_hash, _client_id, **_end):
        self._call()
        return SimpleNamespace(access_token="t0ken", client_secret="5" * 64)

    def revoke_token(self, _store_hash, _token_id):
        self._call()

    def _call(self):
        if self._stack.calls_until_killed == 0:
            self._stack.kill()
        self._stack.calls_until_killed -= 1
        if self._stack.running is not self._running:
            raise StoreFailedError("EndpointConnectionError")


class FakeReceiver:
    url = "http://127.0.0.1:1/storehooks-listen/x"

    def start(self, _secret):
        pass


@pytest.fixture
def stack(tmp_path, monkeypatch):
    stack = LocalStack(tmp_path)
    monkeypatch.setattr("storehooks_cli.stack.local_stack", stack.found_again)
    return stack


@pytest.fixture
def api(stack):
    with scripted_api() as api:
        stack.api_url = api.url
        yield api


@pytest.fixture
def said(capsys):
    return lambda: capsys.readouterr().err


def hook_of(stack):
    hook = LocalHook(LocalStore(stack, "h1"), CLIENT, "5" * 64, "store/*", FakeReceiver.url, is_own=False)
    hook.id = 4
    return hook


@pytest.mark.parametrize("end", [LocalStack.stop, LocalStack.kill])
def test_listening_goes_on_when_the_stack_runs_again_however_it_ended(stack, said, end):
    hook = hook_of(stack)
    for _ in range(2):
        end(stack)
        for _ in range(3):
            hook.watch()
        away = "storehooks: the local stack does not respond; when it runs again, listening goes on\n"
        assert said() == away
        stack.start()
        for _ in range(3):
            hook.watch()
        assert said() == "storehooks: the local stack responds again\n"


def test_listening_goes_on_when_the_stack_is_killed_again_before_it_was_reached(stack, said):
    hook = hook_of(stack)
    for _ in range(2):
        stack.start()
        stack.kill()
        hook.watch()
    stack.start()
    for _ in range(2):
        hook.watch()
    assert [line.partition("; ")[0] for line in said().splitlines()] == [
        "storehooks: the local stack does not respond",
        "storehooks: the local stack responds again",
    ]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_listening_goes_on_when_the_api_fails_while_the_hook_is_mended(stack, api, said, status):
    stack.hook = None
    hook = hook_of(stack)
    for _ in range(2):
        api.will_answer(404, [])
        api.will_answer(status, [])
        hook.watch()
    api.will_answer(404, [])
    api.will_answer(201, {"id": 5})
    hook.watch()
    assert said().splitlines() == [
        "storehooks: the local stack does not respond; when it runs again, listening goes on",
        "storehooks: hook 4 was removed, and hook 5 takes its place; what came meanwhile is missed",
        "storehooks: the local stack responds again",
    ]


@pytest.mark.parametrize("calls", range(4))
def test_listening_goes_on_whenever_the_stack_is_killed_while_the_hook_is_mended(stack, said, calls):
    """The calls are for the hook, the client and a token; the last is none of the API."""
    stack.hook = None
    hook = hook_of(stack)
    stack.calls_until_killed = calls
    hook.watch()
    away = "storehooks: the local stack does not respond; when it runs again, listening goes on\n"
    assert said().endswith(away)


def test_listening_ends_when_the_api_refuses_that_the_hook_is_mended(stack, api, said):
    stack.hook = None
    hook = hook_of(stack)
    api.will_answer(404, [])
    api.will_answer(400, [{"status": 400, "message": "no more hooks"}])
    with pytest.raises(typer.Exit):
        hook.watch()
    assert said() == "storehooks: no more hooks\n"


def test_after_a_start_elsewhere_the_hook_is_mended_by_the_api_that_is_there_now(stack, api, said):
    stack.api_url = "http://127.0.0.1:9"
    hook = hook_of(stack)
    stack.kill()
    hook.watch()
    stack.api_url, stack.hook = api.url, None
    stack.start()
    hook.watch()
    api.will_answer(404, [])
    api.will_answer(201, {"id": 5})
    hook.watch()
    assert "hook 4 was removed, and hook 5 takes its place" in said()
    assert hook.id == 5


@pytest.mark.parametrize(
    ("found", "gets_deliveries"),
    [
        (SERVED, True),
        (SERVED | {"client_id": OTHER}, False),
        (SERVED | {"is_active": False}, False),
        (SERVED | {"is_paused": True}, False),
        (None, False),
    ],
)
def test_the_hook_that_a_run_watches_is_its_own_clients(stack, found, gets_deliveries):
    stack.hook = found and SimpleNamespace(**found)
    assert LocalStore(stack, "h1").gets_deliveries(CLIENT, 4) is gets_deliveries


def test_the_command_that_sends_what_a_hook_missed_names_the_client_once(stack, api, said):
    stack.hook.is_active = False
    failed = {"deactivated_at": "2020-01-01T00:00:00+00:00", "deactivation_reason": "responded 410"}
    for _ in range(2):
        api.will_answer(200, {"id": 4, "is_active": False} | failed)
    hook_of(stack).watch()
    assert said().endswith(f"what is held is sent by: storehooks recover 4 {AS_TYPED} --since 1h\n")


@contextmanager
def served(stack, api):
    api.will_answer(201, {"id": 4})
    with LocalStore(stack, "h1").hook(CLIENT, "store/*", FakeReceiver()) as hook:
        yield hook


def test_the_hook_of_an_apps_client_is_removed_in_the_end(stack, api, said):
    with served(stack, api):
        api.will_answer(200, {"id": 4})
    assert api.asked == ["POST hooks", "DELETE hooks/4"]
    assert said() == ""


LEFT = (
    "hook 4 is still there; when the local stack runs, this removes it: "
    f"storehooks hook delete 4 {AS_TYPED}\n"
)


def test_the_hook_that_is_left_while_the_stack_is_away_is_said_with_the_command_that_removes_it(
    stack, api, said
):
    with pytest.raises(StoreFailedError), served(stack, api):
        stack.kill()
    assert said() == f"storehooks: {LEFT}"


def test_a_hook_that_the_api_does_not_remove_is_said_too(stack, api, said):
    with pytest.raises(typer.Exit), served(stack, api):
        api.will_answer(500, [])
    assert said().endswith(f"\nstorehooks: {LEFT}")
