"""The official Python client, unchanged but for its environment."""

import json
import subprocess
import sys
from urllib.parse import urlsplit

# What an app does with the client; it prints what it saw as JSON.
APP = """
import json, sys
import bigcommerce.api
from bigcommerce.exception import ClientRequestException

api = bigcommerce.api.BigcommerceApi(client_id="any", store_hash=sys.argv[1], access_token=sys.argv[2])
seen = {}
hook = api.Webhooks.create(
    scope="store/order/*", destination="https://app.example.com/orders", headers={"X-A": "1"}, is_active=True
)
seen["created"] = [hook.id, hook.scope, hook.store_hash]
for number in range(3):
    api.Webhooks.create(scope="store/product/*", destination=f"https://app.example.com/{number}")
seen["all"] = [found.id for found in api.Webhooks.all()]
seen["page"] = [found.id for found in api.Webhooks.all(page=2, limit=3)]
seen["iterall"] = [found.id for found in api.Webhooks.iterall()]
seen["got"] = api.Webhooks.get(hook.id).destination
seen["updated"] = hook.update(destination="https://app.example.com/moved").destination
try:
    api.Webhooks.create(scope="store/order/*")
except ClientRequestException as error:
    seen["invalid"] = [error.status_code, json.loads(error.content)[0]["details"]["field"]]
seen["deleted"] = hook.delete()["id"]
try:
    api.Webhooks.get(hook.id)
except ClientRequestException as error:
    seen["gone"] = [error.status_code, json.loads(error.content)[0]["message"]]
for found in api.Webhooks.iterall():
    found.delete()
seen["left"] = [found.id for found in api.Webhooks.iterall()]
print(json.dumps(seen))
"""


def test_the_python_client_creates_lists_gets_updates_and_deletes(stack):
    token = subprocess.run(
        [
            *(stack.command, "token", "create", "--local", "--data-dir", stack.data_dir),
            *("--store-hash", stack.store_hash, "--json"),
        ],
        capture_output=True,
        check=True,
    )
    response = subprocess.run(
        [sys.executable, "-c", APP, stack.store_hash, json.loads(token.stdout)["access_token"]],
        env={
            "BC_API_ENDPOINT": urlsplit(stack.tls_base_url).netloc,
            "REQUESTS_CA_BUNDLE": str(stack.ca_path),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert response.returncode == 0, response.stderr
    seen = json.loads(response.stdout)
    hook_id = seen["created"][0]
    assert seen["created"][1:] == ["store/order/*", stack.store_hash]
    assert seen["all"] == seen["iterall"]
    assert len(seen["all"]) == 4
    assert seen["page"] == seen["all"][3:]
    assert seen["got"] == "https://app.example.com/orders"
    assert seen["updated"] == "https://app.example.com/moved"
    assert seen["invalid"] == [400, "destination"]
    assert seen["deleted"] == hook_id
    assert seen["gone"] == [404, "The requested resource was not found."]
    assert seen["left"] == []
