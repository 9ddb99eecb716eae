"""Whom a client has named to be written to, and its hooks with their status."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.adapters.notification_emails import addresses_key
from tests.integration.conftest import load_event
from tests.integration.interleaving import interleavings
from tests.integration.test_hostile_input import anything, hostile, well_formed
from tests.world import Clock, World


def admin(client, **query):
    status, response = client.call("get_admin", query=query or None)
    assert status == 200, response
    return response


def emails(client):
    return admin(client)["data"]["emails"]


def test_the_event_files_name_an_address_and_show_it(functions):
    assert functions.invoke("update_admin", load_event("update_admin")) == (204, None)
    status, response = functions.invoke("get_admin", load_event("get_admin"))
    assert (status, response["data"]["emails"]) == (200, ["hooks@example.com"])


def test_without_any_address_there_is_none(v3_client):
    assert admin(v3_client) == {
        "data": {"emails": [], "hooks_list": [], "blocked_domains": []},
        "meta": {
            "pagination": {
                "total": 0,
                "count": 0,
                "per_page": 250,
                "current_page": 1,
                "total_pages": 0,
                "links": {"current": "?page=1&limit=250"},
            }
        },
    }


def test_addresses_take_the_place_of_the_earlier_ones(v3_client):
    for given_now in (["a@example.com", "b@example.com"], ["c@example.com"], []):
        assert v3_client.call("update_admin", body={"emails": given_now}) == (204, None)
        assert emails(v3_client) == given_now


def test_what_was_got_can_be_sent_back(v3_client):
    v3_client.create()
    v3_client.call("update_admin", body={"emails": ["a@example.com"]})
    assert v3_client.call("update_admin", body=admin(v3_client)["data"]) == (204, None)
    assert emails(v3_client) == ["a@example.com"]


def test_each_client_of_each_store_has_its_own(functions, v3_client, other_client):
    other_client.version = "v3"
    v3_client.call("update_admin", body={"emails": ["a@example.com"]})
    v3_client.create()
    other = admin(other_client)["data"]
    assert (other["emails"], other["hooks_list"]) == ([], [])
    elsewhere = type(v3_client)(functions, "x0ther", v3_client.client_id, version="v3")
    assert emails(elsewhere) == []
    stranger = load_event("update_admin")
    stranger["pathParameters"]["store_hash"] = "x0ther"
    assert functions.invoke("update_admin", stranger)[0] == 403
    assert emails(elsewhere) == []


def test_addresses_are_no_hook(client, v3_client):
    v3_client.call("update_admin", body={"emails": ["a@example.com"]})
    assert client.list() == (200, [])
    assert client.create()[1]["id"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "emails"),
        ({"emails": None}, "emails"),
        ({"emails": "a@example.com"}, "emails"),
        ({"emails": [1]}, "emails"),
        ({"emails": ["a@example.com", "b"]}, "emails"),
        ({"emails": ["a@example.com"] * 2}, "emails"),
        ({"emails": [f"{number}@example.com" for number in range(11)]}, "emails"),
        ({"emails": [], "email": "a@example.com"}, "email"),
    ],
)
def test_what_is_no_list_of_addresses_is_422_and_changes_nothing(v3_client, body, field):
    v3_client.call("update_admin", body={"emails": ["before@example.com"]})
    status, response = v3_client.call("update_admin", body=body)
    assert (status, set(response["errors"])) == (422, {field})
    assert emails(v3_client) == ["before@example.com"]


def test_an_address_that_is_no_string_is_named_by_its_place(v3_client):
    _, response = v3_client.call("update_admin", body={"emails": ["a@example.com", 1]})
    assert response["errors"]["emails"].startswith("It has the wrong type in [1]. Accepted: ")


def test_hooks_have_their_status_and_can_be_narrowed(aws, functions, v3_client):
    world = World(aws)
    v3_client.client_id = world.caller.client_id
    dead = world.hook("https://app.example.com/dead")
    world.response = lambda _request: (410, None)
    world.event(dead)
    world.work()
    v3_client.create(is_active=True)
    v3_client.create(scope="store/cart/*")
    found = admin(v3_client)["data"]["hooks_list"]
    assert [hook["status"] for hook in found] == ["deactivated", "active", "inactive"]
    assert found[1] == v3_client.get(found[1]["id"])[1]["data"] | {"status": "active"}
    assert found[0]["deactivation_reason"]
    off = admin(v3_client, is_active="false")
    assert [hook["status"] for hook in off["data"]["hooks_list"]] == ["deactivated", "inactive"]
    assert off["meta"]["pagination"]["total"] == 2
    second = admin(v3_client, page="2", limit="1")
    assert [hook["id"] for hook in second["data"]["hooks_list"]] == [found[1]["id"]]
    assert second["meta"]["pagination"]["total_pages"] == 3


def test_a_query_that_is_wrong_is_400(v3_client):
    status, response = v3_client.call("get_admin", query={"is_active": "maybe", "page": "0"})
    assert (status, set(response["errors"])) == (400, {"is_active", "page"})


@hostile
@given(st.fixed_dictionaries({}, optional={"emails": st.lists(st.text(max_size=20)) | anything}) | anything)
def test_any_json_is_taken_or_refused(v3_client, body):
    status, response = v3_client.call("update_admin", body=json.dumps(body))
    assert status == 204 or well_formed(status, response, version="v3")


def test_what_the_operations_cost(aws, v3_client):
    before = len(aws.calls)
    v3_client.call("update_admin", body={"emails": ["a@example.com"]})
    admin(v3_client)
    assert aws.calls[before:] == ["GetItem", "PutItem", "BatchGetItem", "GetItem"]
    v3_client.call("update_admin", body={})
    assert len(aws.calls) == before + 4


def ten(first=0):
    return [f"{number}@example.com" for number in range(first, first + 10)]


def test_an_eleventh_new_address_in_thirty_days_is_403_and_changes_nothing(functions, v3_client):
    clock = Clock()
    functions.clock = clock
    assert v3_client.call("update_admin", body={"emails": ten()}) == (204, None)
    assert v3_client.call("update_admin", body={"emails": []}) == (204, None)
    for _ in range(3):
        status, response = v3_client.call("update_admin", body={"emails": ["x@example.com"]})
        assert (status, response["title"]) == (403, response["errors"]["emails"])
        assert "at most 10 addresses in 30 days" in response["title"]
    assert emails(v3_client) == []
    assert v3_client.call("update_admin", body={"emails": ten()[:3]}) == (204, None), "it named them before"
    clock.now += 30 * 24 * 60 * 60
    assert v3_client.call("update_admin", body={"emails": ["x@example.com"]}) == (204, None)


def test_of_requests_at_once_no_more_than_ten_new_addresses_are_taken(aws, monkeypatch, v3_client):
    def put(emails):
        return v3_client.call("update_admin", body={"emails": emails})[0]

    for one, other in interleavings(
        monkeypatch,
        begin=lambda: aws.empty("HooksTable"),
        first=lambda: put(ten()),
        second=lambda: put(["x@example.com"]),
    ):
        assert sorted([one, other]) == [204, 403]
        item = next(one for one in aws.scan("HooksTable") if "emails" in one)
        assert len(item["first_named"]["M"]) == (10 if one == 204 else 1)


def test_addresses_that_an_earlier_release_stored_are_not_new_and_it_can_read_ours(aws, v3_client):
    """It replaces the item with one that has no more than the addresses."""
    aws.dynamodb.put_item(
        TableName="HooksTable",
        Item=addresses_key("5ueh97", v3_client.client_id)
        | {"emails": {"L": [{"S": email} for email in ten()]}},
    )
    assert v3_client.call("update_admin", body={"emails": [*ten()[:5], *ten(10)[:5]]}) == (204, None)
    (item,) = aws.scan("HooksTable")
    assert [email["S"] for email in item["emails"]["L"]] == [*ten()[:5], *ten(10)[:5]]
    assert v3_client.call("update_admin", body={"emails": ten(20)})[0] == 403
