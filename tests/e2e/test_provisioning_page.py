"""The code of docs/provisioning.md on the running stack, in Python and in Node."""

import json
import secrets
import sqlite3
import subprocess
import sys
from contextlib import closing

import boto3
import pytest
import requests

from storehooks_cli.local.deployment import STACK_NAME
from tests import provisioning_page as page
from tests.e2e.command_line import storehooks
from tests.e2e.store import Destination
from tests.optional import program

pytestmark = pytest.mark.toolchain

CLIENT = "5f0c2b7d9e1a4c3b8d6f7a9012e4c6b9"
TIMEOUT = 120

# The life of an app around each language's code: what was made goes out as JSON.
PYTHON = """
import sys

api_url, admin_token, store_hash, client_id, destination = sys.argv[1:]
platform = Provisioning(api_url, admin_token)
secret, access_token = platform.install(store_hash, client_id, "Order sync")
same, _ = platform.install(store_hash, client_id, "Order sync", secret)
lost, _ = platform.install(store_hash, client_id, "Order sync")
hook = first_hook(api_url, store_hash, access_token, "store/order/*", destination)
rotated = platform.rotate(store_hash, client_id)
link = platform.portal_link(store_hash, client_id)
if sys.stdin.read() == "uninstall":
    platform.uninstall(store_hash, client_id)
    platform.uninstall(store_hash, client_id)
try:
    platform.install(store_hash, "no-id", "Order sync")
except RefusedError as error:
    status = error.status
print(json.dumps([secret, same, lost, rotated, access_token, hook, link, status]))
"""
NODE = """
(async () => {
  const [apiUrl, adminToken, storeHash, clientId, destination] = process.argv.slice(2);
  const platform = new Provisioning(apiUrl, adminToken);
  const { secret, accessToken } = await platform.install(storeHash, clientId, "Order sync");
  const { secret: same } = await platform.install(storeHash, clientId, "Order sync", secret);
  const { secret: lost } = await platform.install(storeHash, clientId, "Order sync");
  const hook = await firstHook(apiUrl, storeHash, accessToken, "store/order/*", destination);
  const rotated = await platform.rotate(storeHash, clientId);
  const link = await platform.portalLink(storeHash, clientId);
  if (require("node:fs").readFileSync(0, "utf8") === "uninstall") {
    await platform.uninstall(storeHash, clientId);
    await platform.uninstall(storeHash, clientId);
  }
  const status = await platform.install(storeHash, "no-id", "Order sync").catch((error) => error.status);
  console.log(JSON.stringify([secret, same, lost, rotated, accessToken, hook, link, status]));
})();
"""


@pytest.fixture(scope="module")
def admin_token(stack):
    made = storehooks(stack, "admin-token", "create", "--expires-in", "1h", "--json")
    return json.loads(made.stdout)["access_token"]


@pytest.mark.parametrize(
    ("language", "snippet", "around"), [("python", page.LIFE, PYTHON), ("node", page.NODE, NODE)]
)
def test_an_app_lives_from_install_to_uninstall(stack, admin_token, tmp_path, language, snippet, around):
    interpreter = sys.executable if language == "python" else program("node")
    file = tmp_path / ("life.py" if language == "python" else "life.cjs")
    file.write_text(snippet + around)
    store = f"life{secrets.token_hex(4)}"
    destination = "https://app.example.com/orders"

    def run(given):
        ended = subprocess.run(
            [interpreter, file, stack.base_url, admin_token, store, CLIENT, destination],
            input=given,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    secret, same, lost, rotated, token, hook, link, status = run("uninstall")
    assert same == secret
    assert len({secret, lost, rotated}) == 3
    assert (hook["store_hash"], hook["client_id"], hook["destination"]) == (store, CLIENT, destination)
    assert link.startswith(f"{stack.base_url}/console#/stores/{store}/hooks?token=")
    assert status == 400
    clients = f"{stack.base_url}/admin/v1/stores/{store}/clients"
    left = requests.get(clients, headers={"X-Auth-Token": admin_token}, timeout=TIMEOUT)
    assert left.json() == {"data": [], "next_cursor": None}
    # It can be installed again at once, and the token of the first time opens nothing of the second.
    assert run("")[0] != secret
    hooks = f"{stack.base_url}/stores/{store}/v3/hooks/{hook['id']}"
    gone = requests.get(hooks, headers={"X-Auth-Token": token}, timeout=TIMEOUT)
    assert gone.status_code in {401, 404}


@pytest.mark.parametrize("way", ["bus", "http"])
def test_what_is_in_the_outbox_reaches_a_hook(stack, admin_token, way):
    store = f"out{secrets.token_hex(4)}"
    names = page.names_of(page.LIFE)
    platform = names["Provisioning"](stack.base_url, admin_token)
    _, token = platform.install(store, CLIENT, "Order sync")
    url = f"{stack.base_url}/admin/v1/stores/{store}/clients/{CLIENT}/tokens"
    publishing = names["call"](admin_token, "POST", url, {"oauth_scopes": ["events"]})[1]["data"]
    if way == "bus":
        access = {"aws_access_key_id": stack.run.endpoint.access_key_id, "aws_secret_access_key": "test"}
        events = boto3.client("events", endpoint_url=stack.endpoint_url, region_name="us-east-1", **access)
        publisher = page.names_of(page.BUS)["BusPublisher"](
            events, STACK_NAME
        )  # the bus is named as the stack
    else:
        publisher = page.names_of(page.HTTP)["HttpPublisher"](
            stack.base_url, lambda _: publishing["access_token"]
        )
    outbox = page.names_of(page.OUTBOX)
    with closing(sqlite3.connect(":memory:")) as database, Destination(204) as destination:
        names["first_hook"](stack.base_url, store, token, "store/order/*", destination.url)
        database.execute(outbox["TABLE"])
        for number in range(12):
            outbox["add_event"](database, store, "store/order/created", {"id": number})
        before = database.execute("SELECT event FROM outbox").fetchall()
        outbox["publish_outbox"](database, publisher.publish)
        # A process that ended before it deleted what it had published.
        database.executemany("INSERT INTO outbox (event) VALUES (?)", before)
        outbox["add_event"](database, store, "store/order/updated", {"id": 12})
        outbox["publish_outbox"](database, publisher.publish)
        received = [json.loads(destination.next()[1])["data"]["id"] for _ in range(13)]
    assert sorted(received) == list(range(13))
    platform.uninstall(store, CLIENT)
