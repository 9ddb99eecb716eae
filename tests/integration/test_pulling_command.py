"""storehooks listen on a deployed stack: what it pulls, what it acknowledges, and what it leaves behind."""

import itertools
import time
from collections import Counter

import pytest

from storehooks_cli.api_client import ApiError, ApiUnreachableError
from storehooks_cli.pulling import Pulling
from storehooks_cli.receiver import Intake
from tests.integration.conftest import Client
from tests.integration.scripted_api import scripted_api
from tests.integration.test_pull import CLIENT_ID, publish
from tests.world import Clock


class Api:
    """The functions as the command calls them, unless they fail; the failures to come stand in a list."""

    def __init__(self, client):
        self.client = client
        self.failures = []
        self.calls = []
        self.store_hash, self.words = "5ueh97", ["--store-hash", "5ueh97"]

    def post(self, path, _asked_for, body):
        operation = "create_hook" if path == "hooks" else "pull_deliveries"
        return self._call(operation, path, body=body)

    def get(self, path, _asked_for):
        return self._call("get_hook", path)

    def put(self, path, _asked_for, body):
        return self._call("update_hook", path, body=body)

    def delete(self, path, _asked_for):
        return self._call("delete_hook", path)

    def hooks(self):
        return iter(self._call("list_hooks", "hooks"))

    def _call(self, operation, path, **given):
        self.calls.append(operation)
        if self.failures:
            failure = self.failures.pop(0)
            if failure is not None:
                raise failure
        hook_id = path.split("/")[1] if "/" in path else None
        if hook_id is not None:
            given["hook_id"] = hook_id
        status, response = self.client.call(operation, **given)
        if status >= 400:
            fields = [error["details"]["field"] for error in response if "details" in error]
            raise ApiError(status, [error["message"] for error in response], fields, "")
        return response


@pytest.fixture
def clock(functions):
    functions.clock = Clock()
    functions.clock.now = time.time()  # by which the verifier goes
    return functions.clock


@pytest.fixture
def secret(access):
    return access.create_token("5ueh97", CLIENT_ID).client_secret


@pytest.fixture
def api(functions, clock, secret):
    return Api(Client(functions, "5ueh97", CLIENT_ID))


@pytest.fixture
def slept():
    return []


@pytest.fixture
def pulling(api, clock, secret, slept):
    def make(intake=None):
        def sleep(seconds):
            slept.append(seconds)
            clock.now += seconds
            assert len(slept) < 1000

        intake = intake or Intake(secret, None)
        return Pulling(api, "store/order/*", intake, sleep=sleep, clock=clock)

    return make


def some(run, count):
    return list(itertools.islice(run.deliveries(), count))


def statuses(client, hook_id=1):
    page = client.call("list_deliveries", hook_id=hook_id)[1]["data"]
    return Counter(one["status"] for one in page)


def test_what_comes_is_verified_and_acknowledged_and_the_hook_goes_in_the_end(functions, api, pulling):
    run = pulling()
    with run.hook():
        (hook,) = api.hooks()
        publish(functions, {"id": 1}, {"id": 2})
        first, second = some(run, 2)
        publish(functions, {"id": 333})
        some(run, 1)
        assert statuses(api.client) == {"pending": 1, "delivered": 2}
    assert list(api.hooks()) == []
    assert (hook["destination"], hook["is_active"]) == ("pull:", True)
    assert "signature valid" in first.line
    assert {'{"id": 1}' in first.line, '{"id": 1}' in second.line} == {True, False}


def test_without_the_secret_it_says_that_no_signature_is_checked(functions, pulling):
    run = pulling(Intake(None, None))
    with run.hook():
        publish(functions, {"id": 1})
        (one,) = some(run, 1)
    assert "signature not checked" in one.line
    assert one.as_json["is_signature_valid"] is None


def test_one_that_is_signed_with_another_secret_is_not_acknowledged(functions, api, pulling):
    run = pulling(Intake("another", "http://127.0.0.1:9/"))
    with run.hook():
        publish(functions, {"id": 1})
        first, again = some(run, 2)
        assert statuses(api.client) == {"pending": 1}
    assert "SIGNATURE NOT VALID" in first.line
    assert "for the 2. time" in again.line


def test_what_the_app_refuses_comes_again_and_what_it_takes_does_not(functions, api, pulling, secret, slept):
    with scripted_api() as app:
        run = pulling(Intake(secret, app.url))
        with run.hook():
            publish(functions, {"id": 1})
            app.will_answer(503, b"")
            app.will_answer(200, b"")
            refused, taken = some(run, 2)
            assert sum(slept) >= 115, "it was hidden meanwhile"
            publish(functions, {"id": 22})
            app.will_answer(200, b"")
            some(run, 1)
            assert statuses(api.client) == {"pending": 1, "delivered": 1}
    assert (refused.responded, taken.responded, taken.times) == (503, 200, 2)


def test_it_goes_on_when_the_stack_or_the_network_comes_back(functions, api, pulling, slept, capsys):
    run = pulling()
    with run.hook():
        publish(functions, {"id": 1})
        api.failures = [
            ApiUnreachableError("refused"),
            ApiError(503, [], [], ""),
            ApiError(429, [], [], ""),
            *[ApiError(502, [], [], "")] * 4,
        ]
        (one,) = some(run, 1)
        assert one.times == 1
        assert slept == [1, 2, 4, 8, 16, 20, 20]
        # What was to be acknowledged is, by the next call that gets through.
        publish(functions, {"id": 22})
        api.failures = [ApiUnreachableError("refused")]
        some(run, 1)
        assert statuses(api.client) == {"pending": 1, "delivered": 1}
    told = capsys.readouterr().err
    assert told.count("trying again") == 2
    assert told.count("responds again") == 2


def test_a_token_that_ends_ends_it_and_a_hook_that_is_removed_is_made_again(functions, api, pulling, capsys):
    run = pulling()
    with run.hook():
        (hook,) = api.hooks()
        api.delete(f"hooks/{hook['id']}", "")
        publish_later = iter([lambda: publish(functions, {"id": 1})])
        create = api.client.call

        def call(operation, **given):
            response = create(operation, **given)
            if operation == "create_hook":
                next(publish_later)()
            return response

        api.client.call = call
        assert some(run, 1)[0].times == 1
        assert "was removed" in capsys.readouterr().err
        api.failures = [ApiError(401, [], [], "")]
        with pytest.raises(ApiError):
            some(run, 1)
    assert list(api.hooks()) == []


@pytest.mark.parametrize(
    "away", [ApiUnreachableError("refused"), ApiError(503, [], [], ""), ApiError(429, [], [], "")]
)
def test_a_hook_that_went_while_the_machine_slept_is_made_again_however_often_the_stack_is_away(
    functions, api, pulling, clock, capsys, away
):
    run = pulling()
    with run.hook():
        (hook,) = api.hooks()
        api.delete(f"hooks/{hook['id']}", "")
        clock.now += 3600
        api.failures = [ApiError(404, [], [], ""), away]
        run._show_life()
        (made,) = api.hooks()
        assert made["id"] != hook["id"]
        assert "was removed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"is_paused": True}, "hook 1 was paused; it is resumed"),
        ({"is_active": False}, "hook 1 was made inactive; it is active again"),
    ],
)
def test_a_hook_that_was_paused_or_made_inactive_is_said_and_gets_deliveries_again(
    functions, api, pulling, slept, capsys, change, said
):
    run = pulling()
    with run.hook():
        publish_on_change = api.client.call

        def call(operation, **given):
            response = publish_on_change(operation, **given)
            if operation == "update_hook":
                publish(functions, {"id": 1})
            return response

        api.client.call("update_hook", hook_id="1", body=change)
        api.client.call = call
        assert some(run, 1)[0].times == 1
        assert said in capsys.readouterr().err
        assert sum(slept) < 60
        (hook,) = api.hooks()
    assert (hook["is_active"], hook.get("is_paused")) == (True, None)


def test_a_run_removes_what_killed_ones_have_left_and_no_other_hook(api, pulling, clock, capsys):
    api.client.create(destination="pull:")
    killed, alive = pulling(), pulling()
    killed._register()
    with alive.hook():
        for _ in range(4):
            clock.now += 299
            alive._show_life()
            clock.now += 2
            alive._show_life()
        assert len(list(api.hooks())) == 3
        with pulling().hook():
            assert [hook["id"] for hook in api.hooks()] == [1, 3, 4]
        assert "removed the hook 2" in capsys.readouterr().err
    assert [hook["id"] for hook in api.hooks()] == [1]


def test_a_hook_that_cannot_be_removed_is_told(api, pulling, slept, capsys):
    with pulling().hook():
        api.failures = [ApiUnreachableError("refused")] * 5
    assert "the hook 1 is still there" in capsys.readouterr().err
    assert slept == [1, 2, 4, 8]
    with pulling().hook():
        api.failures = [ApiError(500, [], [], "")]
    assert [hook["id"] for hook in api.hooks()] == [1]
