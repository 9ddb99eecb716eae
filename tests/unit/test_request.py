"""How an event of the gateway is read."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.api.request import Request
from storehooks.api.version import Version
from storehooks.api.wanted import HooksWanted, Page
from storehooks.domain.errors import (
    BodyTooLargeError,
    HookNotFoundError,
    InvalidRequestError,
    NotAllowedError,
    UnsupportedContentEncodingError,
    UnsupportedMediaTypeError,
)
from storehooks.domain.hook import HookFilter

CLIENT = "40c672b9177b5d3a8dbfad24321be15d"


def request(
    body=None,
    *,
    store="5ueh97",
    hook_id="1",
    query=None,
    headers=None,
    granted=None,
    encoded=False,
    version="v2",
    **others,
):
    granted = {"store_hash": "5ueh97", "client_id": CLIENT, "oauth_scopes": "default"} | (granted or {})
    return Request(
        {
            "resource": f"/stores/{{store_hash}}/{version}/hooks",
            "headers": headers,
            "pathParameters": {"store_hash": store, "id": hook_id},
            "queryStringParameters": query,
            "requestContext": {"requestId": "r-1", "authorizer": granted},
            "body": body,
            "isBase64Encoded": encoded,
            **others,
        }
    )


def refusal(body, **kwargs):
    """Why a body is refused."""
    with pytest.raises(InvalidRequestError) as caught:
        request(body, **kwargs).json_object()
    (problem,) = caught.value.problems
    assert problem.field == "body"
    return problem.reason


def test_the_caller_is_whom_the_authorizer_found():
    caller = request().caller("default")
    assert (caller.store_hash, caller.client_id) == ("5ueh97", CLIENT)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"store": "x0ther"},
        {"store": "5UEH97"},
        {"store": ""},
        {"granted": {"store_hash": ""}, "store": ""},
        {"granted": {"store_hash": "*"}, "store": "*"},
        {"granted": {"client_id": ""}},
        {"granted": {"oauth_scopes": ""}},
        {"granted": {"oauth_scopes": "events"}},
        {"granted": {"oauth_scopes": "defaults default2"}},
    ],
)
def test_a_token_of_another_store_or_without_the_scope_is_not_enough(kwargs):
    with pytest.raises(NotAllowedError):
        request(**kwargs).caller("default")


def test_without_an_authorizer_nobody_is_allowed():
    with pytest.raises(NotAllowedError):
        Request({"pathParameters": {"store_hash": "5ueh97"}, "requestContext": {}}).caller("default")


@pytest.mark.parametrize("text", ["1", "10", "999999999999999999"])
def test_plain_digits_are_an_id(text):
    assert request(hook_id=text).hook_id() == int(text)


@pytest.mark.parametrize(
    "text", ["0", "01", "-1", "+1", "1.0", "1e3", " 1", "1 ", "１", "a", "", "1" * 19, "9" * 60, "1_0", "%31"]
)
def test_anything_else_is_the_id_of_no_hook(text):
    with pytest.raises(HookNotFoundError):
        request(hook_id=text).hook_id()


def test_a_page_of_hooks_has_250_in_v2_and_50_in_v3_which_counts_and_filters_them():
    query = {"page": "2", "scope": "store/*"}
    assert request(query=query).hooks_wanted() == HooksWanted(Page(2, 250))
    only = HookFilter(scope="store/*")
    assert request(query=query, version="v3").hooks_wanted() == HooksWanted(
        Page(2, 50, {"scope": "store/*"}), only, is_counted=True
    )
    assert request(version="v3").hooks_wanted(v3_page_size=7).page == Page(1, 7)


def test_the_query_says_which_deliveries_and_events_are_wanted():
    asked = request(query={"limit": "7", "created_at:min": "5"}, version="v3")
    assert asked.deliveries_wanted().limit == 7
    assert asked.events_wanted().since == 5


@pytest.mark.parametrize(
    ("resource", "version"),
    [
        ("/stores/{store_hash}/v3/hooks/{id}", Version.V3),
        ("/stores/{store_hash}/v2/hooks/{id}", Version.V2),
        ("/v3/hooks", Version.V2),
        (None, Version.V2),
    ],
)
def test_the_version_is_the_routes(resource, version):
    assert Request({"resource": resource}).version is version


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"Content-Type": "application/json"},
        {"CONTENT-TYPE": "Application/JSON; charset=UTF-8"},
        {"content-type": 'application/json;charset="utf-8"'},
        {"content-type": "application/vnd.api+json"},
    ],
)
def test_json_is_read_whatever_the_case_of_the_header(headers):
    assert request('{"a": [1, "ü"]}', headers=headers).json_object() == {"a": [1, "ü"]}


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "json",
        "*/*",
        "x" * 999,
    ],
)
def test_a_body_declared_as_something_else_is_refused(media_type):
    with pytest.raises(UnsupportedMediaTypeError):
        request("{}", headers={"Content-Type": media_type}).json_object()


def test_a_base64_body_is_read():
    assert request(base64.b64encode(b'{"a":1}').decode(), encoded=True).json_object() == {"a": 1}


# What is refused for one reason, and what the reason has to name.
REFUSED = {
    "empty": ([None, ""], ""),
    "no JSON": (["{", "nul", '{"a":"\x01"}', "\ufeff\ufeff{}", "{'a':1}"], "line 1 column "),
    "no object": (["[]", "1", '"a"', "null"], ""),
    "a member twice": (['{"a":1,"a":2}', '{"b":{"a":1,"a":2}}'], "'a'"),
    "no number": (['{"a":NaN}'], "NaN"),
    "infinite": (['{"a":-Infinity}'], "-Infinity"),
    "UTF-16": (["\0{\0}\0", '{\0"\0a\0'], "UTF-16"),
    "lone surrogate": (['{"a":"\\ud800"}', '{"\\udfff":1}'], "lone surrogate"),
    "too many digits": (['{"a":' + "9" * 5000 + "}"], ""),
    "too deep": (["[" * 60000, '{"a":' * 10000 + "1" + "}" * 10000], ""),
}


def without_the_place(reason):
    return reason.partition(":")[0]


@pytest.mark.parametrize(("bodies", "named"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_json_object_is_refused_with_its_reason(bodies, named):
    reasons = [refusal(body) for body in bodies]
    assert len(set(map(without_the_place, reasons))) == 1
    assert all(named in reason for reason in reasons)


def test_no_two_kinds_of_refusal_have_one_reason():
    reasons = {without_the_place(refusal(bodies[0])) for bodies, _ in REFUSED.values()}
    assert len(reasons) == len(REFUSED)


def test_bytes_that_are_no_utf8_or_no_base64_are_refused():
    no_utf8 = refusal(base64.b64encode(b'{"a":"\xff"}').decode(), encoded=True)
    assert "is not UTF-8" in no_utf8
    assert refusal("%%%", encoded=True) == refusal("ü", encoded=True) != no_utf8
    (escaped, *_), _ = REFUSED["lone surrogate"]
    assert "lone surrogate" in refusal(escaped)


def test_a_byte_order_mark_before_the_body_is_ignored():
    assert request('\ufeff{"a":1}').json_object() == {"a": 1}
    encoded = base64.b64encode(b'\xef\xbb\xbf[{"a":1}]').decode()
    assert request(encoded, encoded=True).json_objects(limit=1, max_bytes=99) == ([{"a": 1}], True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_body_in_another_encoding_is_refused_with_the_one_that_is_accepted(encoding):
    body = '{"a":1}'.encode(encoding)
    assert "UTF-8" in refusal(base64.b64encode(body).decode(), encoded=True)
    assert refusal(body.decode("utf-8", "replace")), "as a gateway hands it on that takes it for text"


def lines(*values, name="Content-Encoding"):
    """What the gateway makes of a header that comes in several lines."""
    return {"headers": {name: values[-1]}, "multiValueHeaders": {name: list(values)}}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"headers": {"Content-Encoding": ""}},
        {"headers": {"content-encoding": "identity"}},
        {"headers": {"CONTENT-ENCODING": " Identity , IDENTITY,"}},
        lines("identity", "identity"),
        lines("gzip", name="Accept-Encoding"),
        {"multiValueHeaders": None},
    ],
)
def test_a_body_that_is_not_encoded_is_read(given):
    assert request('{"a":1}', **given).json_object() == {"a": 1}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"headers": {"Content-Encoding": "gzip"}}, "gzip"),
        ({"headers": {"content-encoding": "GZIP"}}, "GZIP"),
        ({"headers": {"CONTENT-ENCODING": "br"}}, "br"),
        ({"headers": {"Content-Encoding": "zstd"}}, "zstd"),
        ({"headers": {"Content-Encoding": "deflate"}}, "deflate"),
        ({"headers": {"Content-Encoding": "identity, x-gzip"}}, "identity, x-gzip"),
        ({"headers": {"Content-Encoding": "utf-8"}}, "utf-8"),
        (lines("gzip", "identity"), "gzip, identity"),
        (lines("identity", "br"), "identity, br"),
        (lines("deflate", name="content-encoding"), "deflate"),
    ],
)
def test_a_body_that_is_declared_as_encoded_is_refused_even_if_it_is_not(given, named):
    for read in (
        lambda asked: asked.json_object(),
        lambda asked: asked.json_objects(limit=1, max_bytes=99),
    ):
        with pytest.raises(UnsupportedContentEncodingError) as refused:
            read(request("{}", **given))
        assert refused.value.given == named


def test_64_kb_of_bytes_are_the_most():
    body = '{"a":"' + "ü" * ((65536 - 8) // 2) + '"}'
    assert len(body.encode()) == 65536
    assert request(body).json_object()
    with pytest.raises(BodyTooLargeError):
        request(body + " ").json_object()


@given(st.text(max_size=200) | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(json.dumps))
def test_any_body_is_an_object_or_refused(body):
    with suppress(InvalidRequestError):
        assert isinstance(request(body).json_object(), dict)


@given(st.text(max_size=60))
def test_any_header_or_id_is_read_or_refused(text):
    asked = request("{}", headers={"Content-Type": text}, hook_id=text)
    for read in (asked.json_object, asked.hook_id):
        with suppress(InvalidRequestError, UnsupportedMediaTypeError, HookNotFoundError):
            read()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/live/admin/v1/stores/5ueh97/clients", "https://hooks.example.com/live"),
        ("/admin/v1/stores/5ueh97/clients", "https://hooks.example.com"),
        ("/hooks/eu/admin/v1/stores/5ueh97/clients", "https://hooks.example.com/hooks/eu"),
        ("/admin/v1/admin/v1/stores/5ueh97/clients", "https://hooks.example.com/admin/v1"),
    ],
)
def test_the_apis_url_is_that_of_the_request_before_its_route(path, expected):
    context = {"domainName": "hooks.example.com", "path": path}
    headers = {"Host": "other.example.com", "X-Forwarded-Host": "other.example.com"}
    assert Request({"requestContext": context, "headers": headers}).api_url == expected


def test_the_apis_url_is_http_on_the_local_stack():
    context = {"domainName": "127.0.0.1:3000", "path": "/admin/v1/stores/5ueh97/clients"}
    event = {"requestContext": context, "headers": {"X-Forwarded-Proto": "http"}}
    assert Request(event).api_url == "http://127.0.0.1:3000"
