"""The five operations in the third version of the API."""

import pytest

from tests.integration.conftest import Client, load_event
from tests.world import World

UNKNOWN = {"status": 404, "title": "Webhook with id [77] not found"}


def in_v3(name):
    event = load_event(name)
    return event | {"resource": event["resource"].replace("/v2/", "/v3/")}


def test_a_hook_lives_in_envelopes(v3_client):
    status, created = v3_client.create(headers={"X-A": "1"}, is_active=True)
    assert status == 200, "not 201, as in V2"
    hook = created["data"]
    assert created["meta"] == {}
    assert v3_client.get(hook["id"]) == (200, created)
    status, changed = v3_client.update(hook["id"], is_active=False)
    assert (status, changed["meta"]) == (200, {})
    assert changed["data"] == hook | {"is_active": False, "updated_at": changed["data"]["updated_at"]}
    assert v3_client.delete(hook["id"]) == (200, changed)
    assert v3_client.get(hook["id"])[0] == 404


def test_both_versions_show_the_same_hook(client, v3_client):
    _, shown = client.create(headers={"X-A": "1"})
    in_data = v3_client.get(shown["id"])[1]["data"]
    differing = {"created_at", "updated_at", "events_history_enabled"}
    assert {name: value for name, value in in_data.items() if name not in differing} == {
        name: value for name, value in shown.items() if name not in differing
    }
    assert type(in_data["created_at"]) is type(in_data["updated_at"]) is int
    assert in_data["events_history_enabled"] is False


def test_a_hook_can_be_sent_back_as_it_came(v3_client):
    hook = v3_client.create()[1]["data"]
    status, response = v3_client.update(hook["id"], **hook)
    assert (status, response["data"]["destination"]) == (200, hook["destination"])


def test_a_hook_of_the_list_for_owners_can_be_sent_back_too(v3_client):
    created = v3_client.create(is_active=True)[1]["data"]
    (hook,) = v3_client.call("get_admin")[1]["data"]["hooks_list"]
    status, response = v3_client.update(hook["id"], **hook | {"is_active": False})
    assert (status, response["data"]["id"], response["data"]["is_active"]) == (200, created["id"], False)


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_an_empty_array_is_no_headers_as_php_sends_them(functions, client, version):
    caller = Client(functions, client.store_hash, client.client_id, version=version)
    response = caller.create(headers=[])[1]
    created = response["data"] if version == "v3" else response
    assert created["headers"] == {}
    assert caller.update(created["id"], headers={"X-A": "1"})[0] == 200
    status, response = caller.update(created["id"], headers=[])
    changed = response["data"] if version == "v3" else response
    assert (status, changed["headers"]) == (200, {})


def test_a_list_tells_how_long_it_is_and_where_it_goes_on(v3_client, other_client):
    for number in range(5):
        v3_client.create(destination=f"https://app.example.com/{number}")
        other_client.create(destination=f"https://app.example.com/{number}")
    _, whole = v3_client.list()
    ids = [hook["id"] for hook in whole["data"]]
    assert len(ids) == 5
    assert whole["meta"]["pagination"] == {
        "total": 5,
        "count": 5,
        "per_page": 50,
        "current_page": 1,
        "total_pages": 1,
        "links": {"current": "?page=1&limit=50"},
    }
    _, second = v3_client.list(page=2, limit=2)
    assert [hook["id"] for hook in second["data"]] == ids[2:4]
    assert second["meta"]["pagination"] == {
        "total": 5,
        "count": 2,
        "per_page": 2,
        "current_page": 2,
        "total_pages": 3,
        "links": {
            "previous": "?page=1&limit=2",
            "current": "?page=2&limit=2",
            "next": "?page=3&limit=2",
        },
    }
    _, after = v3_client.list(page=4, limit=2)
    assert (after["data"], after["meta"]["pagination"]["total"]) == ([], 5)
    _, beyond = v3_client.list(page=9, limit=2)
    assert beyond["meta"]["pagination"]["links"] == {
        "previous": "?page=3&limit=2",
        "current": "?page=9&limit=2",
    }


def test_a_list_can_be_narrowed(client, v3_client):
    created = [
        v3_client.create(scope=scope, destination=f"https://app.example.com/{path}", is_active=is_active)[1][
            "data"
        ]
        for scope, path, is_active in [
            ("store/order/*", "a", True),
            ("store/order/*", "b", False),
            ("store/cart/*", "a", True),
        ]
    ]
    ids = [hook["id"] for hook in created]

    def found(**query):
        _, response = v3_client.list(**query)
        assert response["meta"]["pagination"]["total"] == len(response["data"])
        return [hook["id"] for hook in response["data"]]

    assert found(is_active="true") == [ids[0], ids[2]]
    assert found(is_active="false") == [ids[1]]
    assert found(scope="store/order/*") == ids[:2]
    assert found(destination="https://app.example.com/a") == [ids[0], ids[2]]
    assert found(scope="store/order/*", destination="https://app.example.com/a", is_active="true") == [ids[0]]
    assert found(scope="store/order") == []
    assert found(other="x") == ids
    assert [hook["id"] for hook in client.list(is_active="true", scope="x")[1]] == ids, "V2 has no such query"


@pytest.mark.parametrize(
    ("function", "event", "status", "fields"),
    [
        (
            "create_hook",
            "create_hook_invalid",
            422,
            {"scope", "destination", "headers", "is_active", "colour"},
        ),
        ("create_hook", "create_hook_not_json", 415, set()),
        ("update_hook", "update_hook_empty", 422, {"data"}),
        ("list_hooks", "list_hooks_bad_page", 400, {"page", "limit"}),
        ("get_hook", "get_hook_no_id", 404, set()),
        ("get_hook", "get_hook_other_store", 403, set()),
        ("get_hook", "get_hook_no_scope", 403, set()),
    ],
)
def test_the_event_files_of_errors_are_refused_in_the_v3_form(
    functions, aws, function, event, status, fields
):
    responded, body = functions.invoke(function, in_v3(event))
    assert responded == body["status"] == status
    assert body["title"]
    assert set(body.get("errors", {})) == fields
    assert aws.scan("HooksTable") == []


@pytest.mark.parametrize("body", ["", "{", "[]", '"x"', '{"scope": 1, "scope": 2}', '{"scope": "\\ud800"}'])
def test_what_is_no_json_object_is_400(v3_client, body):
    status, response = v3_client.call("create_hook", body=body)
    assert (status, response["title"], set(response["errors"])) == (400, "Input is invalid.", {"body"})


def test_a_body_that_is_too_large_is_413(v3_client):
    status, response = v3_client.call("create_hook", body=" " * 65537)
    assert (status, response["status"]) == (413, 413)
    assert "65536" in response["title"]


def test_only_fields_that_cannot_be_changed_change_nothing(v3_client):
    hook = v3_client.create()[1]["data"]
    status, response = v3_client.update(hook["id"], events_history_enabled=True)
    assert (status, response["status"]) == (422, 422)
    assert response["errors"].keys() == {"data"}


@pytest.mark.parametrize("name", ["get_hook", "update_hook", "delete_hook"])
def test_an_unknown_hook_is_404_by_its_id(v3_client, name):
    body = {"is_active": True} if name == "update_hook" else None
    status, response = v3_client.call(name, hook_id=77, body=body)
    assert status == 404
    assert response.items() >= UNKNOWN.items()
    status, response = v3_client.call(name, hook_id="x1", body=body)
    assert status == 404
    assert "[x1]" in response["title"]


def test_a_duplicate_is_409_and_the_eleventh_hook_of_a_scope_403(v3_client):
    first = v3_client.create(destination="https://app.example.com/0")[1]["data"]
    for number in range(1, 10):
        assert v3_client.create(destination=f"https://app.example.com/{number}")[0] == 200
    status, response = v3_client.create(destination="https://app.example.com/0")
    assert (status, set(response["errors"])) == (409, {"destination"})
    assert f"The hook {first['id']} " in response["title"]
    status, response = v3_client.create(destination="https://app.example.com/11")
    assert (status, set(response["errors"])) == (403, {"scope"})


def test_a_hook_that_failures_have_deactivated_says_when_and_why(aws, functions, v3_client):
    world = World(aws)
    v3_client.client_id = world.caller.client_id
    hook = world.hook()
    assert "deactivated_at" not in v3_client.get(hook.id)[1]["data"]
    world.response = lambda _request: (410, None)
    world.event(hook)
    world.work()
    shown = v3_client.get(hook.id)[1]["data"]
    assert (shown["is_active"], shown["deactivated_at"]) == (False, int(world.clock.now))
    assert "410" in shown["deactivation_reason"]
    assert "deactivated_at" not in v3_client.update(hook.id, is_active=True)[1]["data"]
