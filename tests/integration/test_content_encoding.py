"""A body with a Content-Encoding is refused by each operation that has a body, and nothing is done."""

import pytest

from tests.integration.conftest import load_event

WITH_BODY = {
    "create_hook": ["v2", "v3"],
    "update_hook": ["v2", "v3"],
    "publish_events": ["v2"],
    "recover_deliveries": ["v2"],
    "update_admin": ["v3"],
}


def encoded(name: str, coding: str, version: str):
    event = load_event(name)
    event["resource"] = event["resource"].replace("/v2/", f"/{version}/")
    event["headers"]["Content-Encoding"] = coding
    event["multiValueHeaders"]["Content-Encoding"] = [coding]
    return event


@pytest.mark.parametrize(
    ("name", "version"), [(name, version) for name, versions in WITH_BODY.items() for version in versions]
)
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_it_is_a_415_that_names_it_and_what_is_accepted(aws, functions, name, version, coding):
    before = aws.stored()
    status, body = functions.invoke(name, encoded(name, coding, version))
    message = body[0]["message"] if version == "v2" else body["errors"]["Content-Encoding"]
    assert status == 415
    assert all(text in message for text in ("Content-Encoding", f"'{coding}'", "identity"))
    if version == "v2":
        assert body[0]["details"] == {
            "field": "Content-Encoding",
            "given": coding,
            "accepted": "no Content-Encoding, or identity",
        }
    assert aws.stored() == before
    assert aws.take("EventsQueue") == []


@pytest.mark.parametrize("name", ["create_hook", "publish_events"])
def test_identity_is_none(functions, name):
    assert functions.invoke(name, encoded(name, "Identity", "v2"))[0] in {201, 202}


def test_where_no_body_is_read_it_does_not_matter(functions):
    functions.invoke("create_hook", load_event("create_hook"))
    for name in ("get_hook", "list_hooks", "delete_hook"):
        assert functions.invoke(name, encoded(name, "gzip", "v2"))[0] == 200
