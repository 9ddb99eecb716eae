"""Which headers a hook may add."""

import pytest

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.headers import check_headers, response_bytes


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Custom-Auth-Header": "{secret_auth_password}"},
        {"Authorization": "Bearer abc"},
        {"x-empty": ""},
        {"x-unicode": "Grüße"},
        {"!#$%&'*+-.^_`|~09azAZ": "every character of a token"},
        {"n" * 64: "v"},
        {f"x-{number}": "v" for number in range(64)},
        {"x-a": "v" * 8192, "x-b": "v" * (16384 - 8192 - 6)},
        {"webhookish": "v"},
        {"x-a": "é" * 4096, "x-b": "é" * 4000},
    ],
)
def test_headers_that_http_can_carry_are_kept_as_they_are(headers):
    assert check_headers(headers) == headers


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"": "v"}, "not an HTTP token"),
        ({"x y": "v"}, "not an HTTP token"),
        ({"x:": "v"}, "not an HTTP token"),
        ({"x\r\ny": "v"}, "not an HTTP token"),
        ({"x\n": "v"}, "not an HTTP token"),
        ({"x\0": "v"}, "not an HTTP token"),
        ({" x": "v"}, "not an HTTP token"),
        ({"ü": "v"}, "not an HTTP token"),
        ({":path": "v"}, "not an HTTP token"),
        ({"n" * 65: "v"}, "65 bytes"),
        ({f"x-{number}": "v" for number in range(65)}, "65 headers"),
        ({"x": "a\r\nb"}, "control character"),
        ({"x": "a\rb"}, "control character"),
        ({"x": "a\nb"}, "control character"),
        ({"x": "a\r\n folded"}, "control character"),
        ({"x": "a\tb"}, "control character"),
        ({"x": "a\x00"}, "control character"),
        ({"x": "a\x7f"}, "control character"),
        ({"x": "a\x85b"}, "control character"),
        ({"x": "a\u2028b"}, "control character"),
        ({"x": "a\ud800"}, "control character"),
        ({"x": "a\ufffd"}, "not UTF-8"),
        ({"x": " a"}, "white space"),
        ({"x": "v" * 8193}, "more than 8192 bytes"),
        ({"x": "ü" * 4097}, "more than 8192 bytes"),
        ({"x": "v" * 8192, "y": "v" * 8191}, "16385 bytes"),
        ({"x": '"' * 8000}, "bytes in a response"),
        ({"X-A": "1", "x-a": "2"}, "twice"),
        ({"Host": "example.com"}, "sets itself"),
        ({"content-length": "5"}, "sets itself"),
        ({"CONTENT-TYPE": "text/plain"}, "sets itself"),
        ({"Transfer-Encoding": "chunked"}, "sets itself"),
        ({"Connection": "close"}, "sets itself"),
        ({"User-Agent": "me"}, "sets itself"),
        ({"Webhook-Signature": "v1,x"}, "sets itself"),
    ],
)
def test_headers_that_would_break_a_delivery_are_refused(headers, reason):
    with pytest.raises(InvalidValueError) as caught:
        check_headers(headers)
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    "name",
    [
        # What one connection's two ends tell each other (RFC 9110, 7.6.1), and what frames a message.
        *("Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"),
        *("Content-Length", "Expect", "HTTP2-Settings", "Proxy-Authenticate", "Proxy-Authorization"),
        # What the delivery says of itself.
        *("Host", "Content-Type", "Content-Encoding", "Accept-Encoding", "User-Agent"),
        *("webhook-id", "webhook-timestamp", "webhook-signature", "webhook-"),
    ],
)
def test_no_header_takes_the_place_of_what_frames_or_signs_a_delivery(name):
    for spelled in (name, name.lower(), name.upper()):
        with pytest.raises(InvalidValueError):
            check_headers({spelled: "v"})


def test_a_refusal_never_repeats_a_value():
    for value in ("secret-value\n", "secret-value" * 1000, " secret-value"):
        with pytest.raises(InvalidValueError) as caught:
            check_headers({"x": value})
        refused = caught.value
        assert "secret-value" not in f"{refused.reason} {refused.accepted} {refused.given}"


def test_the_size_in_an_answer_is_that_of_json_within_json():
    assert response_bytes({"x": "v"}) == len(r'"{\"x\": \"v\"}"')
    assert response_bytes({"x": 'v"'}) - response_bytes({"x": "v"}) == 4
    assert response_bytes({"x": "vü"}) - response_bytes({"x": "v"}) == 2
