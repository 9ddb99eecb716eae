"""The five operations, as a client sees them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from storehooks.api.hook_output import hooks_response
from storehooks.api.response import MAX_RESPONSE_BYTES, check_size
from storehooks.api.version import Version
from storehooks.api.wanted import Page
from storehooks.domain.errors import InvalidRequestError
from storehooks.domain.event_filter import MAX_FILTER_BYTES, check_filter
from storehooks.domain.headers import MAX_ANSWER_BYTES, response_bytes
from storehooks.domain.hook import Hook, HookPage
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE, Caller
from storehooks.domain.scope import catalogue
from tests.integration.conftest import load_event

ROOT = Path(__file__).parents[2]
ISO_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
FIELDS = {
    "id",
    "store_hash",
    "client_id",
    "scope",
    "headers",
    "destination",
    "created_at",
    "updated_at",
    "is_active",
}
NOT_FOUND = [{"status": 404, "message": "The requested resource was not found."}]


@pytest.fixture
def clock(functions):
    """The time in all functions, in seconds, to be set."""

    class Clock:
        now = 1_700_000_000.9

    functions.clock = lambda: Clock.now
    return Clock


def test_a_hook_is_created_as_the_event_file_asks(functions):
    status, hook = functions.invoke("create_hook", load_event("create_hook"))
    assert status == 201
    assert set(hook) == FIELDS
    assert hook["scope"] == "store/order/*"
    assert hook["headers"] == {"X-Custom-Auth-Header": "{secret_auth_password}"}
    assert hook["destination"] == "https://app.example.com/orders"
    assert hook["is_active"] is True
    assert hook["store_hash"] == "5ueh97"
    assert hook["client_id"] == "40c672b9177b5d3a8dbfad24321be15d"
    assert ISO_UTC.fullmatch(hook["created_at"])
    assert hook["updated_at"] == hook["created_at"]


def test_the_other_event_files_follow_it_through_its_life(functions):
    _, created = functions.invoke("create_hook", load_event("create_hook"))
    assert functions.invoke("get_hook", load_event("get_hook")) == (200, created)
    assert functions.invoke("list_hooks", load_event("list_hooks")) == (200, [created])
    status, changed = functions.invoke("update_hook", load_event("update_hook"))
    assert (status, changed["destination"]) == (200, "https://app.example.com/orders_changed")
    assert functions.invoke("delete_hook", load_event("delete_hook")) == (200, changed)
    assert functions.invoke("get_hook", load_event("get_hook")) == (404, NOT_FOUND)


def test_a_base64_event_creates_the_same_hook(functions):
    status, hook = functions.invoke("create_hook", load_event("create_hook_base64"))
    assert (status, hook["scope"]) == (201, "store/order/*")


@pytest.mark.parametrize(
    ("function", "event", "status"),
    [
        ("create_hook", "create_hook_invalid", 400),
        ("create_hook", "create_hook_not_json", 415),
        ("update_hook", "update_hook_empty", 400),
        ("list_hooks", "list_hooks_bad_page", 400),
        ("get_hook", "get_hook_no_id", 404),
        ("get_hook", "get_hook_other_store", 403),
        ("get_hook", "get_hook_no_scope", 403),
    ],
)
def test_the_event_files_of_errors_are_refused_in_the_v2_form(functions, aws, function, event, status):
    responded, body = functions.invoke(function, load_event(event))
    assert responded == status
    assert isinstance(body, list)
    assert all(entry["status"] == status and entry["message"] for entry in body)
    assert aws.scan("HooksTable") == []


def test_every_problem_has_an_entry_that_names_its_field(functions):
    _, body = functions.invoke("create_hook", load_event("create_hook_invalid"))
    assert {entry["details"]["field"] for entry in body} == {
        "scope",
        "destination",
        "headers",
        "is_active",
        "colour",
    }
    for entry in body:
        assert f"'{entry['details']['field']}'" in entry["message"]
        assert entry["details"]["accepted"]


def test_a_hook_without_headers_and_state_has_null_and_is_inactive(client):
    _, hook = client.create()
    assert hook["headers"] is None
    assert hook["is_active"] is False


def test_ids_count_up_per_store_and_are_never_used_again(functions, client, other_client):
    first = client.create()[1]["id"]
    second = other_client.create()[1]["id"]
    assert second > first >= 1
    other_client.delete(second)
    assert client.create(scope="store/product/*")[1]["id"] > second


def test_a_change_touches_the_given_fields_alone_and_moves_updated_at(client, clock):
    _, hook = client.create(headers={"X-A": "1"}, is_active=True)
    clock.now += 2
    status, changed = client.update(hook["id"], is_active=False)
    assert status == 200
    assert changed == {**hook, "is_active": False, "updated_at": "2023-11-14T22:13:22+00:00"}
    assert client.get(hook["id"]) == (200, changed)


def test_updated_at_never_goes_back(client, clock):
    _, hook = client.create()
    clock.now -= 3600
    assert client.update(hook["id"], is_active=True)[1]["updated_at"] == hook["updated_at"]


def test_headers_can_be_replaced_and_cleared(client):
    hook_id = client.create(headers={"X-A": "1"})[1]["id"]
    assert client.update(hook_id, headers={"X-B": ""})[1]["headers"] == {"X-B": ""}
    assert client.update(hook_id, headers={})[1]["headers"] == {}
    assert client.update(hook_id, headers=None)[1]["headers"] is None
    assert client.get(hook_id)[1]["headers"] is None


def test_a_whole_hook_can_be_sent_back_as_it_came(client):
    _, hook = client.create(headers={"X-A": "1"}, is_active=True)
    other_version = {"events_history_enabled": False, "deactivated_at": None, "deactivation_reason": "x"}
    status, same = client.update(hook["id"], **hook, **other_version)
    assert status == 200
    assert {**same, "updated_at": None} == {**hook, "updated_at": None}


def test_a_pasted_hook_cannot_move_to_another_client_or_store(client):
    hook_id = client.create()[1]["id"]
    _, changed = client.update(hook_id, store_hash="x0ther", client_id="f" * 32, id=99, is_active=True)
    assert (changed["store_hash"], changed["client_id"], changed["id"]) == (
        "5ueh97",
        client.client_id,
        hook_id,
    )


def test_what_is_no_hook_of_the_caller_is_not_found(client, other_client):
    hook_id = client.create()[1]["id"]
    for response in (
        client.get(hook_id + 1),
        client.get("0"),
        client.get("abc"),
        client.update(hook_id + 1, is_active=True),
        client.delete(hook_id + 1),
        other_client.get(hook_id),
        other_client.update(hook_id, is_active=True),
        other_client.delete(hook_id),
    ):
        assert response == (404, NOT_FOUND)
    assert other_client.list() == (200, [])
    assert client.get(hook_id)[0] == 200


def test_a_second_hook_for_the_same_scope_and_destination_is_a_conflict(client, other_client):
    _, hook = client.create()
    for destination in ("https://app.example.com/orders", "HTTPS://APP.example.com:443/orders"):
        status, body = client.create(destination=destination)
        assert status == 409
        assert body[0]["details"]["id"] == hook["id"]
    assert client.create(scope="store/product/*")[0] == 201
    assert other_client.create()[0] == 201


def test_a_client_has_at_most_ten_hooks_for_a_scope(client, other_client):
    ids = [client.create(destination=f"https://app.example.com/{n}")[1]["id"] for n in range(10)]
    status, body = client.create(destination="https://app.example.com/10")
    assert (status, body[0]["details"]["limit"]) == (403, 10)
    assert client.create(destination="https://app.example.com/3")[0] == 409
    assert other_client.create()[0] == 201
    client.delete(ids[0])
    assert client.create(destination="https://app.example.com/10")[0] == 201


def test_a_change_keeps_hooks_unique_and_few(client):
    first, second = (client.create(destination=f"https://app.example.com/{n}")[1] for n in range(2))
    status, body = client.update(second["id"], destination=first["destination"])
    assert (status, body[0]["details"]["id"]) == (409, first["id"])
    assert client.get(second["id"]) == (200, second)
    assert client.update(second["id"], destination="https://app.example.com/9")[0] == 200
    assert client.create(destination=second["destination"])[0] == 201, "the old destination is free again"


def test_a_hook_can_move_to_another_scope_when_there_is_room(client):
    for number in range(10):
        client.create(scope="store/product/*", destination=f"https://app.example.com/{number}")
    hook_id = client.create()[1]["id"]
    assert client.update(hook_id, scope="store/product/*")[0] == 403
    assert client.get(hook_id)[1]["scope"] == "store/order/*"
    assert client.update(hook_id, scope="store/cart/*")[1]["scope"] == "store/cart/*"
    assert client.create()[0] == 201, "its place under the old scope is free"
    assert client.create(scope="store/cart/*")[0] == 409


def test_a_change_of_spelling_alone_is_no_conflict(client):
    hook_id = client.create()[1]["id"]
    status, changed = client.update(hook_id, destination="https://APP.example.com/orders")
    assert (status, changed["destination"]) == (200, "https://APP.example.com/orders")


def test_a_deleted_hook_leaves_but_an_empty_guard_behind(client, aws):
    hook_id = client.create()[1]["id"]
    assert client.delete(hook_id)[0] == 200
    assert client.delete(hook_id) == (404, NOT_FOUND)
    guard = next(item for item in aws.scan("HooksTable") if item["store_hash"]["S"].startswith("guard#"))
    assert set(guard) == {"store_hash", "id", "number"}
    assert guard["number"]["N"] == "0"


def test_a_list_is_ordered_by_id_and_paged(client, other_client):
    ids = []
    for number in range(7):
        ids.append(client.create(destination=f"https://app.example.com/{number}")[1]["id"])
        other_client.create(destination=f"https://app.example.com/{number}")
    assert [hook["id"] for hook in client.list()[1]] == ids
    pages = [[hook["id"] for hook in client.list(page=page, limit=3)[1]] for page in (1, 2, 3, 4)]
    assert pages == [ids[:3], ids[3:6], ids[6:], []]
    assert client.list(page=10**17) == (200, [])


def test_only_an_active_hook_is_in_the_index_of_subscriptions(client, aws):
    hook_id = client.create(is_active=True)[1]["id"]

    def subscription():
        (item,) = [item for item in aws.scan("HooksTable") if item["id"]["N"] == str(hook_id)]
        return item.get("subscription", {}).get("S")

    assert subscription() == "5ueh97#store/order/*"
    client.update(hook_id, scope="store/cart/*")
    assert subscription() == "5ueh97#store/cart/*"
    client.update(hook_id, is_active=False)
    assert subscription() is None


def test_a_full_page_of_the_largest_hooks_fits_into_a_lambda_answer_or_is_refused(client):
    headers = {"x-a": '"' * 2740, "x-b": "\\" * 2740}
    assert MAX_ANSWER_BYTES - 50 < response_bytes(headers) <= MAX_ANSWER_BYTES
    longest_scope = max((scope.replace("{channel_id}", "9" * 18) for scope in catalogue()), key=len)
    destination = "https://app.example.com/".ljust(2048, "a")
    status, hook = client.create(
        scope=longest_scope, destination=destination, headers=headers, is_active=True
    )
    assert status == 201
    worst = Hook(
        id=10**18 - 1, store_hash="x" * 64, client_id=hook["client_id"], scope=longest_scope, headers=headers,
        destination=destination, is_active=True, created_at=1_795_428_000, updated_at=1_795_428_000,
    )  # fmt: skip
    assert response_size([worst] * 250) < MAX_RESPONSE_BYTES

    largest = check_filter({"a": ['"' * 2042]})
    assert MAX_FILTER_BYTES - 3 < len(largest.text) <= MAX_FILTER_BYTES
    filtered = replace(worst, filter=largest)
    page = [*[worst] * 10, *[filtered] * 240]
    with pytest.raises(InvalidRequestError) as caught:
        response_size(page)
    (problem,) = caught.value.problems
    assert problem.field == "limit"
    for version in Version:
        assert response_size([filtered] * 180, version) < MAX_RESPONSE_BYTES


def response_size(hooks, version=Version.V2):
    """What Lambda is given for a page of these hooks, in bytes."""
    caller = Caller("5ueh97", "f" * 32, frozenset({DEFAULT_OAUTH_SCOPE}))
    response = hooks_response(version, HookPage(tuple(hooks), len(hooks)), Page(1, 250), caller).to_gateway()
    check_size(response)
    return len(json.dumps(response, ensure_ascii=False).encode())


def test_no_secret_of_a_hook_reaches_the_log(client, log):
    secret = "hunter2-very-secret"
    hook_id = client.create(headers={"X-Auth": secret})[1]["id"]
    client.create(headers={"X-Auth": secret + "\n"})
    client.update(hook_id, headers={"X-Auth": secret})
    client.list()
    client.get(hook_id)
    client.delete(hook_id)
    assert not any(secret in line for line in log())
    lines = [json.loads(line) for line in log()]
    assert len(lines) == 6
    assert all(line["store_hash"] == "5ueh97" and line["request_id"] and line["status"] for line in lines)


def test_a_fault_of_ours_is_answered_500_and_logged_without_its_text(functions, client, log, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("hunter2-very-secret")

    monkeypatch.setattr(functions.parts("get_hook").hooks, "get", fail)
    status, body = client.get(1)
    assert (status, [entry["status"] for entry in body]) == (500, [500])
    assert "hunter2" not in json.dumps(body)
    error, responded = (json.loads(line) for line in log())
    assert error["error"] == "RuntimeError"
    assert any(place.endswith(" fail") for place in error["places"])
    assert responded["status"] == 500
    assert not any("hunter2" in line for line in log())


def test_the_error_that_the_page_of_the_api_shows_is_answered(client):
    page = (ROOT / "docs" / "api.md").read_text()
    (shown,) = re.findall(r"^## Errors\n.*?^```json\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert client.create(is_active="yes") == (400, json.loads(shown))


# ---------------------------------------------------------------- filters

FILTER = {"data": {"status": ["paid", {"prefix": "pre-"}], "total": [{"numeric": [">", 100]}]}}


@pytest.mark.parametrize("api", ["client", "v3_client"])
def test_a_filter_is_shown_as_it_was_given_and_only_while_the_hook_has_one(request, api):
    api = request.getfixturevalue(api)
    given = {"scope": "store/order/*", "destination": "https://app.example.com/"}

    def shown(response):
        return response.get("data", response)

    hook = shown(api.create(**given, filter=FILTER)[1])
    assert hook["filter"] == FILTER
    assert shown(api.update(hook["id"], is_active=True)[1])["filter"] == FILTER
    assert "filter" not in shown(api.update(hook["id"], filter=None)[1])
    assert "filter" not in shown(api.get(hook["id"])[1])


def test_each_mistake_in_a_filter_is_named_with_its_place(client):
    status, response = client.create(
        scope="store/order/*",
        destination="https://app.example.com/",
        filter={"data": {"total": [{"numeric": ["<", "100"]}], "status": []}},
    )
    assert status == 400
    assert [error["details"]["field"] for error in response] == [
        "filter.data.total[0].numeric",
        "filter.data.status",
    ]
    assert all(error["details"]["accepted"] for error in response)


def test_a_page_that_a_response_cannot_hold_is_refused_and_a_smaller_one_is_not(
    client, v3_client, monkeypatch
):
    for number in range(3):
        client.create(
            scope="store/order/*",
            destination=f"https://app.example.com/{number}",
            headers={"x-a": "a" * 8000},
            filter={"data": {"status": ["b" * 3000]}},
        )
    monkeypatch.setattr("storehooks.api.response.MAX_RESPONSE_BYTES", 30_000)
    monkeypatch.setattr("storehooks.api.response._SURELY_FITS", 5_000)
    for api in (client, v3_client):
        status, response = api.list(limit="3")
        assert status == 400
        assert "limit" in json.dumps(response)
        assert api.list(limit="2")[0] == 200


# ---------------------------------------------------------------- rates


@pytest.mark.parametrize("api", ["client", "v3_client"])
@pytest.mark.parametrize("rate", [0.1, 2.5, 5, 1000])
def test_a_rate_is_shown_as_it_was_given_and_only_while_the_hook_has_one(request, api, rate):
    api = request.getfixturevalue(api)
    given = {"scope": "store/order/*", "destination": "https://app.example.com/"}

    def shown(response):
        return response[1].get("data", response[1])

    hook = shown(api.create(**given, max_per_second=rate))
    assert (hook["max_per_second"], type(hook["max_per_second"])) == (rate, type(rate))
    assert shown(api.update(hook["id"], is_active=True))["max_per_second"] == rate
    assert shown(api.update(hook["id"], **shown(api.get(hook["id"]))))["max_per_second"] == rate
    assert "max_per_second" not in shown(api.update(hook["id"], max_per_second=None))
    assert "max_per_second" not in shown(api.get(hook["id"]))


@pytest.mark.parametrize("rate", [0, 0.01, 2.55, 1000.5, 10**30, "5", True, [5]])
def test_what_is_no_rate_is_refused_by_name_with_what_is_accepted(client, rate):
    status, (error,) = client.create(
        scope="store/order/*", destination="https://app.example.com/", max_per_second=rate
    )
    assert status == 400
    assert error["details"]["field"] == "max_per_second"
    assert "from 0.1 to 1000 with at most one decimal" in error["details"]["accepted"]


# ---------------------------------------------------------------- pauses


@pytest.mark.parametrize("api", ["client", "v3_client"])
def test_a_paused_hook_shows_that_it_is_and_since_when_and_only_while_it_is(request, api, functions):
    api = request.getfixturevalue(api)
    functions.clock = lambda: 1_795_428_000.0

    def shown(response):
        return response.get("data", response)

    hook = shown(api.create(is_active=True)[1])
    assert not {"is_paused", "paused_at"} & hook.keys()
    paused = shown(api.update(hook["id"], is_paused=True)[1])
    since = 1_795_428_000 if api.version == "v3" else "2026-11-23T10:00:00+00:00"
    assert paused == hook | {"is_paused": True, "paused_at": since, "updated_at": paused["updated_at"]}
    functions.clock = lambda: 1_795_428_600.0
    sent_back = shown(api.update(hook["id"], **paused)[1])
    assert sent_back == paused | {"updated_at": sent_back["updated_at"]}
    assert shown(api.get(hook["id"])[1]) == sent_back
    resumed = shown(api.update(hook["id"], is_paused=False)[1])
    assert not {"is_paused", "paused_at"} & resumed.keys()


def test_a_hook_may_be_created_paused(client):
    assert client.create(is_active=True, is_paused=True)[1]["is_paused"] is True
    assert "is_paused" not in client.create(destination="https://app.example.com/2", is_paused=False)[1]


@pytest.mark.parametrize("flag", ["true", 1, None])
def test_whether_a_hook_is_paused_is_true_or_false(client, flag):
    client.create()
    status, (error,) = client.update(1, is_paused=flag)
    assert (status, error["details"]["field"], error["details"]["accepted"]) == (
        400,
        "is_paused",
        "true or false",
    )


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_a_resumption_names_a_recovery_that_can_be_looked_at(client, functions, version):
    client.create(is_active=True)
    client.update(1, is_paused=True)
    event = load_event("update_hook")
    event["resource"] = event["resource"].replace("/v2/", f"/{version}/")
    event["requestContext"]["authorizer"] |= {"store_hash": "5ueh97", "client_id": client.client_id}
    event["body"] = json.dumps({"is_paused": False})
    location = functions.handler("update_hook")(event, None)["headers"]["Location"]
    path, _, recovery_id = location.rpartition("/")
    assert path == "/stores/5ueh97/v2/hooks/1/recoveries"
    event = load_event("get_recovery")
    event["pathParameters"] |= {"id": "1", "recovery_id": recovery_id}
    event["requestContext"]["authorizer"]["client_id"] = client.client_id
    status, recovery = functions.invoke("get_recovery", event)
    assert (status, recovery["state"], recovery["status"]) == (200, "waiting", ["held"])
    assert recovery["held_since"] < recovery["created_at"]


def test_what_is_asked_for_of_a_paused_hook_is_refused_with_what_to_do(client, functions):
    client.create(is_active=True, is_paused=True)
    for name in ("redeliver", "recover_deliveries"):
        status, (error,) = client.call(name, hook_id=1)
        assert status == 409
        assert error["details"] == {"field": "is_paused", "conflict_reason": "paused", "id": 1}
        assert '{"is_paused": false}' in error["message"]
