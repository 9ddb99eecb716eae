"""The admin API as somebody uses it who wants to break it."""

import itertools
import json

import pytest
from botocore.exceptions import ClientError

from tests.faults import around_aws
from tests.integration.interleaving import interleavings
from tests.integration.test_provisioning import CLIENT, OTHER, STORE, platform  # noqa: F401 - a fixture

WRONG = (
    "null", "true", "false", '"60"', '""', "[]", "{}", "[60]", '{"a": 1}', "60.5", "-1", "1e-1", "1e400",
    "-1e400", "9" * 4300, "1e4299", "9" * 5000, "1e99999999999", "-0.5", "NaN", "Infinity", '"\\u0000"',
    "[[[[1]]]]", '"' + "a" * 60_000 + '"', "[" * 2000 + "]" * 2000,
)  # fmt: skip
FIELDS = {
    "put_client": {"name": '"Order sync"'},
    "rotate_client_secret": {"overlap_hours": "24"},
    "create_token": {"oauth_scopes": '["default"]', "expires_in_seconds": "60"},
    "create_portal_link": {"expires_in_seconds": "60", "read_only": "true"},
}
RIGHT = {
    ("put_client", "name"): {'"60"'},
    ("create_token", "expires_in_seconds"): {"null"},
    ("create_portal_link", "read_only"): {"true", "false"},
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_wrong_value_of_any_type_is_refused_by_its_field_and_changes_nothing(platform, aws, name):  # noqa: F811
    platform.put()
    before = aws.stored()
    for field, wrong in itertools.product(FIELDS[name], WRONG):
        if wrong in RIGHT.get((name, field), ()):
            continue
        given = FIELDS[name] | {field: wrong}
        body = "{" + ",".join(f'"{key}": {value}' for key, value in given.items()) + "}"
        status, refused = platform.call(name, body=body)
        assert status in {400, 422}, (field, wrong[:60], status, refused)
        assert list(refused["errors"]) in ([field], ["body"]), (field, wrong[:60], refused)
        assert len(json.dumps(refused)) < 2000, (field, wrong[:60])
    assert aws.stored() == before


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("body", ["", " ", "null", "0", '""', "[{}]", "\x00", "\ufeff"])
def test_a_body_that_is_no_object_changes_nothing(platform, aws, name, body):  # noqa: F811
    platform.put()
    before = aws.stored()
    status, refused = platform.call(name, body=body)
    assert (status, list(refused["errors"])) == (400, ["body"])
    assert aws.stored() == before


@pytest.mark.parametrize("hours", [(0, 0), (0, 24), (24, 24)])
def test_of_two_rotations_at_once_the_client_has_the_secret_of_one(platform, aws, monkeypatch, hours):  # noqa: F811
    def begin():
        aws.empty("ClientsTable")
        platform.put()

    def rotate(overlap_hours):
        return lambda: platform.call("rotate_client_secret", body={"overlap_hours": overlap_hours})

    for answers in interleavings(monkeypatch, begin, *map(rotate, hours)):
        statuses = [status for status, _ in answers]
        assert set(statuses) <= {200, 409}
        shown = [answer["data"]["client_secret"] for status, answer in answers if status == 200]
        (item,) = aws.scan("ClientsTable")
        assert item["client_secret"]["S"] in shown
        if hours == (24, 24):
            assert sorted(statuses) == [200, 409]


def test_a_cursor_of_another_store_shows_nothing_of_it(platform):  # noqa: F811
    for store in (STORE, "x0ther"):
        for client_id in (CLIENT, OTHER):
            platform.put(client_id, store_hash=store)
    ids = [platform.token(store_hash="x0ther")[1]["data"]["id"] for _ in range(3)]
    _, cursor = platform.clients(limit=1)
    found = platform.call("list_clients", store_hash="x0ther", query={"cursor": cursor})[1]
    assert [(one["store_hash"], one["client_id"]) for one in found["data"]] == [("x0ther", OTHER)]
    assert platform.tokens(cursor=min(ids)) == ([], None)


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("put_client", {"name": "Again"}, 200),
        ("rotate_client_secret", {"overlap_hours": 24}, 200),
        ("delete_client", None, 204),
    ],
)
@pytest.mark.parametrize("times", [1, 7, 100])
def test_a_client_of_whom_a_token_is_made_at_the_same_moment_is_written_when_that_is_done(
    platform,  # noqa: F811
    aws,
    monkeypatch,
    name,
    body,
    status,
    times,
):
    """DynamoDB refuses a write of an item that a transaction just looks at. moto does not."""
    platform.put()
    before, left = aws.stored(), iter(range(times))

    def held(operation, given, call):
        if given.get("TableName") == "ClientsTable" and next(left, None) is not None:
            raise ClientError({"Error": {"Code": "TransactionConflictException"}}, operation)
        return call(given)

    with monkeypatch.context() as patched:
        around_aws(patched, held)
        given, _ = platform.call(name, body=body)
    if times == 100:
        assert given == 429
        assert aws.stored() == before
    else:
        assert given == status
        assert aws.stored() != before


def test_whatever_a_removal_and_another_request_of_the_platform_do_at_once_a_repeat_removes_all(
    platform,  # noqa: F811
    aws,
    monkeypatch,
):
    def begin():
        aws.empty("HooksTable", "TokensTable", "ClientsTable")
        platform.put()
        platform.token()

    def remove():
        return platform.call("delete_client")[0]

    others = {
        "delete_client": ({204}, None),
        "put_client": ({200, 201}, {"name": "Again"}),
        "rotate_client_secret": ({200, 404}, {"overlap_hours": 24}),
        "create_portal_link": ({201, 404}, {"expires_in_seconds": 60}),
    }
    for name, (statuses, body) in others.items():
        for removed, other in interleavings(
            monkeypatch, begin, remove, lambda name=name, body=body: platform.call(name, body=body)[0]
        ):
            assert removed == 204
            assert other in statuses, name
            assert platform.clients()[0] == [] or other == 201, "there is one only if it was made anew"
            assert platform.tokens()[0] == []
            assert remove() == 204
            assert CLIENT not in repr([aws.scan(table) for table in ("TokensTable", "ClientsTable")])
