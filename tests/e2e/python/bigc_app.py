"""What an app does with bigc in both versions of the API; it writes what it saw as JSON.

bigc_app.py STORE_HASH TOKEN
"""

import json
import sys

from bigc import BigCommerceAPI
from bigc.exceptions import BigCommerceException

ORDERS = {
    "scope": "store/order/*",
    "destination": "https://app.example.com/orders",
    "headers": {"X-A": "1"},
    "is_active": True,
}


def refused(call, *arguments, **options):
    """The error that a call raises: its class, status, message and the fields that it is about."""
    try:
        call(*arguments, **options)
    except BigCommerceException as error:
        return [type(error).__name__, error.status_code, error.message, error.errors]
    raise AssertionError("it was not refused")


def ids(hooks):
    return [hook["id"] for hook in hooks]


def in_v3(api, stranger):
    hooks = api.webhooks_v3
    created = hooks.create(ORDERS)
    for number in range(3):
        hooks.create({"scope": "store/product/*", "destination": f"https://app.example.com/{number}"})
    seen = {
        "created": created,
        "all": ids(hooks.all()),
        "in_pages_of_3": ids(api.api_v3.get_many("/hooks", page_size=3)),
        "active": ids(hooks.all(params={"is_active": True})),
        "inactive": ids(hooks.all(params={"is_active": False})),
        "of_scope": ids(hooks.all(params={"scope": "store/order/*"})),
        "of_destination": ids(hooks.all(params={"destination": "https://app.example.com/2"})),
        "got": hooks.get(created["id"]),
        "updated": hooks.update(created["id"], created | {"destination": "https://app.example.com/moved"}),
        "duplicate": refused(hooks.create, ORDERS | {"destination": "https://app.example.com/moved"}),
        "invalid": refused(hooks.create, {"scope": "store/order/*"}),
        "invalid_query": refused(lambda: list(hooks.all(params={"is_active": "maybe"}))),
        "stranger": refused(stranger.webhooks_v3.get, created["id"]),
        "missed": list(api.api_v3.get_many("/hooks/events", params={"created_at:min": 1795428000})),
        "notified": api.api_v3.put("/hooks/admin", data={"emails": []}),
        "admin": api.api_v3.get("/hooks/admin", params={"is_active": True})["hooks_list"][0]["status"],
        "deleted": hooks.delete(created["id"])["id"],
        "gone": refused(hooks.get, created["id"]),
    }
    for left in list(hooks.all()):
        hooks.delete(left["id"])
    return seen | {"left": list(hooks.all())}


def in_v2(api):
    hooks = api.api_v2
    created = hooks.post("/hooks", data=ORDERS)
    for number in range(3):
        hooks.post(
            "/hooks", data={"scope": "store/product/*", "destination": f"https://app.example.com/{number}"}
        )
    path = f"/hooks/{created['id']}"
    seen = {
        "created": created,
        "all": ids(hooks.get_many("/hooks")),
        "in_pages_of_2": ids(hooks.get_many("/hooks", page_size=2)),
        "got": hooks.get(path),
        "updated": hooks.put(path, data=created | {"is_active": False})["is_active"],
        "invalid": refused(hooks.post, "/hooks", data={"scope": "store/order/*"}),
        "deleted": hooks.delete(path)["id"],
        "gone": refused(hooks.get, path),
    }
    for left in list(hooks.get_many("/hooks")):
        hooks.delete(f"/hooks/{left['id']}")
    return seen | {"left": list(hooks.get_many("/hooks"))}


def main():
    store_hash, token = sys.argv[1:]
    api, stranger = BigCommerceAPI(store_hash, token), BigCommerceAPI(store_hash, "unknown")
    json.dump({"v3": in_v3(api, stranger), "v2": in_v2(api)}, sys.stdout)


if __name__ == "__main__":
    main()
