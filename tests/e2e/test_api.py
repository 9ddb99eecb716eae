"""The API of the running stack, over real HTTP."""

import json
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests

AT_ONCE = 8
TIMEOUT = 60


class Api:
    """One client of one store."""

    def __init__(self, stack, token=None, store_hash=None):
        self.session = requests.Session()
        self.session.headers["X-Auth-Token"] = token or stack.token
        self.url = f"{stack.base_url}/stores/{store_hash or stack.store_hash}/v2/hooks"

    def request(self, method, hook_id=None, **kwargs):
        url = self.url if hook_id is None else f"{self.url}/{hook_id}"
        return self.session.request(method, url, timeout=TIMEOUT, **kwargs)

    def create(self, number=0, scope="store/order/*", **fields):
        given = {"scope": scope, "destination": f"https://app.example.com/{number}"} | fields
        return self.request("POST", json=given)


def new_token(stack, *arguments):
    """A token made with the command line, as `token create --json` prints it."""
    response = subprocess.run(
        [stack.command, "token", "create", "--local", "--data-dir", stack.data_dir, "--json", *arguments],
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(response.stdout)


@pytest.fixture
def api(stack):
    """A client of its own in the demo store."""
    return Api(stack, new_token(stack, "--store-hash", stack.store_hash)["access_token"])


def assert_v2_error(response, status):
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("application/json")
    for entry in response.json():
        assert entry["status"] == status
        assert entry["message"]


def test_a_hook_lives_from_create_to_delete(api):
    created = api.create(headers={"X-A": "1"}, is_active=True)
    assert created.status_code == 201
    hook = created.json()
    assert api.request("GET", hook["id"]).json() == hook
    assert api.request("GET").json() == [hook]
    changed = api.request("PUT", hook["id"], json=hook | {"is_active": False})
    assert (changed.status_code, changed.json()["is_active"]) == (200, False)
    deleted = api.request("DELETE", hook["id"])
    assert (deleted.status_code, deleted.json()) == (200, changed.json())
    assert_v2_error(api.request("GET", hook["id"]), 404)


def test_a_get_or_delete_that_declares_json_is_normal(api):
    hook_id = api.create().json()["id"]
    declared = {"Content-Type": "application/json"}
    assert api.request("GET", hook_id, headers=declared).status_code == 200
    assert api.request("DELETE", hook_id, headers=declared).status_code == 200


def test_a_client_sees_its_own_hooks_alone(stack, api):
    hook_id = api.create().json()["id"]
    stranger = Api(stack, new_token(stack, "--store-hash", stack.store_hash)["access_token"])
    assert stranger.request("GET").json() == []
    for method in ("GET", "DELETE"):
        assert_v2_error(stranger.request(method, hook_id), 404)
    assert_v2_error(stranger.request("PUT", hook_id, json={"is_active": True}), 404)


def test_a_further_token_of_a_client_shares_its_hooks(stack):
    first = new_token(stack, "--store-hash", stack.store_hash)
    second = new_token(stack, "--store-hash", stack.store_hash, "--client-id", first["client_id"])
    assert second["client_secret"] == first["client_secret"]
    hook = Api(stack, first["access_token"]).create().json()
    assert Api(stack, second["access_token"]).request("GET").json() == [hook]


def test_a_token_reaches_no_other_store(stack, api):
    assert_v2_error(Api(stack, api.session.headers["X-Auth-Token"], "x0ther").request("GET"), 403)


def test_no_token_and_an_unknown_one_are_401(stack):
    url = f"{stack.base_url}/stores/{stack.store_hash}/v2/hooks"
    assert_v2_error(requests.get(url, timeout=TIMEOUT), 401)
    for token in ("unknown", "x" * 5000, "\x80"):
        assert_v2_error(requests.get(url, headers={"X-Auth-Token": token}, timeout=TIMEOUT), 401)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/stores"),
        ("GET", "/stores/5ueh97/v2/orders"),
        ("GET", "/stores/5ueh97/v2/hooks/1/x"),
        ("PATCH", "/stores/5ueh97/v2/hooks"),
        ("DELETE", "/stores/5ueh97/v2/hooks"),
        ("OPTIONS", "/stores/5ueh97/v2/hooks"),
        ("POST", "/stores/5ueh97/v2/hooks/1"),
    ],
)
def test_an_unknown_route_or_method_is_404(stack, method, path):
    response = requests.request(
        method, stack.base_url + path, headers={"X-Auth-Token": stack.token}, timeout=TIMEOUT
    )
    assert_v2_error(response, 404)


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 60000, "application/json", 400),
        (b'{"scope": "store/order/*"', "application/json", 400),
        (b'{"scope": "\xff"}', "application/json", 400),
        (b'{"scope": "\\ud800", "destination": "https://a.example/"}', "application/json", 400),
        (b'{"scope":1,"scope":2}', "application/json", 400),
        (b"{}", "text/plain", 415),
        (b" " * 65537, "application/json", 413),
        (b" " * (11 * 1024 * 1024), "application/json", 413),
    ],
)
def test_a_bad_body_is_refused_in_the_v2_form(api, body, media_type, status):
    assert_v2_error(api.request("POST", data=body, headers={"Content-Type": media_type}), status)
    assert api.request("GET").json() == []


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "zstd", "deflate"])
def test_a_body_with_a_content_encoding_is_415(api, coding):
    refused = api.request("POST", data=b"{}", headers={"Content-Encoding": coding})
    assert_v2_error(refused, 415)
    assert f"Content-Encoding '{coding}'" in refused.json()[0]["message"]
    assert api.request("GET").json() == []


@pytest.mark.parametrize(
    "target",
    [
        "/stores/{store}/v2/hooks/%00",
        "/stores/{store}/v2/hooks/%31",
        "/stores/{store}/v2/hooks/1%2F2",
        "/stores/{store}/v2/hooks/..%2f..%2f",
        "/stores/{store}/v2/hooks/%ff%fe",
        "/stores/{store}/v2/hooks/" + "9" * 3000,
        "/stores/{store}/v2/hooks?page=%00&limit=%ff",
        "/stores/{store}/v2/hooks?page=1&page=2&&=&limit",
        "/stores/{store}%2fv2/hooks",
        "/stores/%2a/v2/hooks",
        "/stores/{store}/v2//hooks",
        "//stores/{store}/v2/hooks",
        "/stores/{store}/../x0ther/v2/hooks",
        "/stores/{store}/v2/hooks;a=b",
    ],
)
def test_no_odd_target_is_a_5xx(stack, target):
    address = urlsplit(stack.base_url)
    connection = HTTPConnection(address.hostname, address.port, timeout=TIMEOUT)
    connection.request("GET", target.format(store=stack.store_hash), headers={"X-Auth-Token": stack.token})
    assert connection.getresponse().status < 500
    connection.close()


@pytest.mark.parametrize(
    "path", ["//stores/{store}/v2/hooks", "/stores/{store}//v3/hooks", "/stores/{store}/v2/hooks//1"]
)
def test_a_path_with_an_empty_segment_is_a_404(stack, path):
    address = urlsplit(stack.base_url)
    connection = HTTPConnection(address.hostname, address.port, timeout=TIMEOUT)
    connection.request("GET", path.format(store=stack.store_hash), headers={"X-Auth-Token": stack.token})
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())[0]["status"]) == (404, 404)
    connection.close()


def test_a_slash_at_the_end_leads_to_the_same_route(api):
    assert api.request("POST", "", json={}).status_code == 400
    assert api.request("GET", "").json() == []


def test_identical_creates_at_once_leave_one_hook(api):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = [response.status_code for response in pool.map(lambda _: api.create(), range(50))]
    assert Counter(statuses) == {201: 1, 409: 49}
    assert len(api.request("GET").json()) == 1


def test_different_creates_of_one_scope_at_once_leave_ten(api):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = [response.status_code for response in pool.map(api.create, range(50))]
    assert Counter(statuses) == {201: 10, 403: 40}
    assert len(api.request("GET").json()) == 10


def test_a_large_hook_comes_back_as_it_went(api):
    headers = {"x-a": "ü" * 900, "x-b": '"\\' * 1000, "x-c": "v" * 6000}
    destination = "https://app.example.com/".ljust(2048, "a")
    created = api.request("POST", json={"scope": "store/*", "destination": destination, "headers": headers})
    assert created.status_code == 201
    assert api.request("GET", created.json()["id"]).json()["headers"] == headers


def test_the_local_stack_admits_private_destinations(api):
    response = api.request("POST", json={"scope": "store/*", "destination": "http://127.0.0.1:8000/hook"})
    assert response.status_code == 201
