"""The API's client: what needs no socket."""

import pytest
from urllib3 import HTTPResponse

from storehooks_cli.api_client import ApiRetry, base_url_of


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-Retry-After": "7"}, 7),
        ({"X-Retry-After": "3600"}, 20),
        ({"X-Retry-After": "soon"}, None),
        ({"Retry-After": "5"}, 5),
        ({}, None),
    ],
)
def test_a_wait_is_as_long_as_the_api_says_within_bounds(headers, seconds):
    assert ApiRetry().get_retry_after(HTTPResponse(headers=headers)) == seconds


@pytest.mark.parametrize(
    "url",
    ["https://api.example.com/live/", "http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"],
)
def test_a_token_goes_over_https_or_stays_on_this_machine(url):
    assert base_url_of(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com", "http://10.0.0.1", "ftp://x", "api.example.com", "https://", "https://a?b", "https://[x"],
)  # fmt: skip
def test_a_token_goes_nowhere_else(url):
    with pytest.raises(ValueError, match=r"."):
        base_url_of(url)
