"""The running local stack, as a benchmark uses it: stores, tokens, hooks, events, and receivers."""

import asyncio
import json
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import requests
from aiohttp import web

from storehooks_cli.options import DEFAULT_STACK_NAME
from storehooks_cli.stack import find_stack

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Store:
    """A new store with a client that may do everything."""

    def __init__(self, data_dir: Path) -> None:
        running = json.loads((data_dir / "stack.json").read_text())
        stack = find_stack(local=True, data_dir=data_dir, stack_name=DEFAULT_STACK_NAME)
        self.hash = f"bench{secrets.token_hex(4)}"
        token = stack.access().create_token(self.hash, None, ("default", "events"))
        self._session = requests.Session()
        self._session.headers["X-Auth-Token"] = token.access_token
        self._url = f"{running['base_url']}/stores/{self.hash}/v2"

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        response = self._session.request(method, f"{self._url}/{path}", timeout=60, **arguments)
        response.raise_for_status()
        return response.json()

    def hook(self, scope: str, url: str, **fields: Any) -> int:
        hook = {"scope": scope, "destination": url, "is_active": True} | fields
        hook_id: int = self.call("POST", "hooks", json=hook)["id"]
        return hook_id

    def publish(self, events: list[dict[str, Any]]) -> None:
        for start in range(0, len(events), 100):
            self.call("POST", "events", json=events[start : start + 100])

    def deliveries(self, hook_id: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while cursor is not None:
            page = self.call(
                "GET", f"hooks/{hook_id}/deliveries?limit=250" + (cursor and f"&cursor={cursor}")
            )
            found += page["data"]
            cursor = page["next_cursor"]
        return found


def seconds_to_arrive(
    store: Store, numbers: range, arrived: Mapping[int, float], *, gap_seconds: float, max_seconds: float
) -> list[float]:
    """Publish an event for each number, and measure from its publication to its arrival.

    :param arrived: when each number came by ``time.monotonic``, as a receiver fills it in.
    :param max_seconds: what has not come that long after the last one counts as if it came then.
    """
    published = {}
    for number in numbers:
        published[number] = time.monotonic()
        store.publish([{"scope": "store/order/created", "data": {"number": number}}])
        time.sleep(gap_seconds)
    until = time.monotonic() + max_seconds
    while published.keys() - arrived.keys() and time.monotonic() < until:
        time.sleep(0.1)
    return [arrived.get(number, until) - at for number, at in published.items()]


def serve(handle: Handler) -> str:
    """Serve on a free port of this machine until the process ends; the URL."""
    ready: list[int] = []
    started = threading.Event()

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        ready.append(runner.addresses[0][1])
        started.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
    started.wait()
    return f"http://127.0.0.1:{ready[0]}"
