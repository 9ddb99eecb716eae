"""The client libraries for Node, unchanged but for the agent or the address that leads them here."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.test_api import new_token
from tests.optional import program

pytestmark = pytest.mark.toolchain

SOURCES = Path(__file__).with_name("node")
TIMEOUT = 120


@pytest.fixture(scope="module")
def seen(stack, tmp_path_factory):
    """What an app saw that used each library in the versions of the API that it speaks."""
    node, npm = program("node"), program("npm")
    folder = tmp_path_factory.mktemp("node")
    for source in SOURCES.iterdir():
        shutil.copy(source, folder)
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        env=os.environ | {"npm_config_update_notifier": "false"},
        capture_output=True,
        timeout=TIMEOUT,
        check=True,
    )
    token = new_token(stack, "--store-hash", "n0de")
    port = str(urlsplit(stack.tls_base_url).port)
    response = subprocess.run(
        [node, "app.cjs", port, str(stack.ca_path), "n0de", token["access_token"]],
        cwd=folder,
        env=os.environ | {"NODE_EXTRA_CA_CERTS": str(stack.ca_path)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert response.returncode == 0, response.stderr
    return json.loads(response.stdout)


def test_the_lock_names_every_package_by_its_integrity_and_no_registry():
    packages = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    wanted = json.loads((SOURCES / "package.json").read_text())["dependencies"]
    assert packages.pop("")["dependencies"] == wanted
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    for package in packages.values():
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package


def test_space48_creates_lists_gets_updates_and_deletes_in_v3(seen):
    found = seen["space48 v3"]
    hook = found["created"]
    assert (hook["scope"], hook["is_active"], hook["headers"]) == ("store/order/*", True, {"X-A": "1"})
    assert hook["events_history_enabled"] is False
    assert len(found["all"]) == 4
    assert found["inPagesOfTwo"] == found["all"]
    assert found["active"] == [hook["id"]]
    assert found["got"] == hook
    assert found["updated"] is False
    assert found["deleted"] == hook["id"]
    assert found["gone"] is None, "which it makes of a 404"
    assert found["left"] == []


def test_space48_is_told_what_is_wrong(seen):
    found = seen["space48 v3"]
    assert "409" in found["duplicate"]
    assert "same scope and destination" in found["duplicate"]
    assert "422" in found["invalid"]
    assert '"destination":"It is required.' in found["invalid"]
    assert "Update webhook request should not be empty" in found["empty"]


def test_space48_names_addresses_and_lists_what_has_not_arrived(seen):
    found = seen["space48 v3"]
    assert found["admin"] == [["hooks@example.com"], ["inactive"] * 4, []]
    assert found["events"] == []


def test_space48_works_in_v2(seen):
    found = seen["space48 v2"]
    assert found.pop("created").endswith("+00:00")
    invalid = found.pop("invalid")
    assert "400" in invalid
    assert "The field 'destination' is invalid: it is required." in invalid
    assert found == {
        "all": [True],
        "second": [],
        "got": "store/cart/*",
        "updated": True,
        "deleted": True,
        "gone": None,
    }


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_node_bigcommerce_creates_lists_gets_updates_and_deletes(seen, version):
    found = seen[f"node-bigcommerce {version}"]
    assert found["created"] == ["store/customer/*", None, False]
    assert found["all"] == [0, 1]
    assert found["second"] == [True]
    assert found["got"] == "https://app.example.com/customers"
    assert found["updated"] == "https://app.example.com/moved"
    assert found["duplicate"] == 409
    assert found["deleted"] is True
    invalid_status, invalid = found["invalid"]
    status, body = found["gone"]
    assert status == 404
    if version == "v2":
        assert invalid_status == 400
        assert [problem["details"]["field"] for problem in invalid] == ["destination"]
        assert body == [{"status": 404, "message": "The requested resource was not found."}]
    else:
        assert invalid_status == 422
        assert list(invalid["errors"]) == ["destination"]
        assert found["active"] == [True]
        assert body["title"] == f"Webhook with id [{found['id']}] not found"
        assert found["named"] == ""
        assert found["admin"] == {"emails": [], "hooks_list": [], "blocked_domains": []}


def test_bigcommerce_api_client_creates_lists_gets_updates_and_deletes(seen):
    found = seen["bigcommerce-api-client v3"]
    hook = found["created"]
    assert (hook["scope"], hook["is_active"], hook["headers"]) == ("store/order/*", True, {"X-A": "1"})
    assert len(found["all"]) == 4
    assert found["secondOfThree"] == found["all"][3:]
    assert (found["pagination"]["total"], found["pagination"]["total_pages"]) == (4, 1)
    assert found["active"] == found["ofScope"] == [hook["id"]]
    assert found["got"] == hook
    assert found["updated"] is False
    assert found["emails"] == ["hooks@example.com"]
    assert found["events"] == []
    assert found["deleted"] == hook["id"]
    assert found["gone"] is None, "which it makes of a 404"
    assert found["left"] == []


def test_bigcommerce_api_client_shows_what_is_wrong(seen):
    found = seen["bigcommerce-api-client v3"]
    assert "Response Status: 409" in found["duplicate"]
    assert "same scope and destination" in found["duplicate"]
    assert "Response Status: 422" in found["invalid"]
    assert '"destination":"It is required.' in found["invalid"]
