"""`make run` of this release over what an earlier one left behind: nothing is lost.

The earlier releases stand beside this file, so that no history is needed: what a deployment and
`make run` are made of, as `git archive COMMIT template.yaml functions layers cli Makefile | xz` has it.
They run in the environments of this release.
"""

import base64
import os
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.e2e.command_line import storehooks
from tests.e2e.conftest import operator_environment
from tests.e2e.local_run import ROOT, LocalRun, free_ports, kill_all, started_in
from tests.e2e.store import Destination, Store

pytestmark = pytest.mark.toolchain

SCHEDULE = "10,3600"
WAIT_SECONDS = 60
STORE_HASH = "upgrad3"


@dataclass(frozen=True)
class Running:
    """A running stack of some release, with its command."""

    run: LocalRun
    environment: dict[str, str]
    command: Path = ROOT / ".venv/bin/storehooks"

    @property
    def data_dir(self) -> Path:
        return self.run.data_dir

    @property
    def base_url(self) -> str:
        return self.run.base_url

    def take_from_queue(self, function: str, *, enabled: bool) -> None:
        """Whether a function is given what is on its queue."""
        functions = self.run.aws("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            if mapping["FunctionArn"].endswith(f"-{function}"):
                functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)

    def waiting(self, queue: str) -> int:
        """How many messages a queue has that could be read at once."""
        sqs = self.run.aws("sqs")
        (url,) = [
            url for url in sqs.list_queues()["QueueUrls"] if f"-{queue}-" in url and "DeadLetters" not in url
        ]
        name = "ApproximateNumberOfMessages"
        return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


type Start = Callable[[str | None], Running]


@pytest.fixture
def start(tmp_path) -> Iterator[Start]:
    """Starts a release, named by its archive, or this one: in the same data folder, on the same ports."""
    data_dir, ports = tmp_path / "data", free_ports()
    runs: list[LocalRun] = []

    def started(release: str | None) -> Running:
        root, own_code = ROOT, {}
        if release is not None:
            root = unpacked(release, tmp_path / release)
            own_code = {"PYTHONPATH": f"{root / 'cli'}{os.pathsep}{root / 'layers/shared'}"}
        run = LocalRun(data_dir, root=root, ports=ports, RETRY_SCHEDULE=SCHEDULE, **own_code)
        runs.append(run)
        run.wait_for("Ctrl-C stops")
        return Running(run, operator_environment() | own_code)

    yield started
    for run in runs:
        run.__exit__()
    kill_all(started_in(data_dir))


def unpacked(release: str, folder: Path) -> Path:
    """The project as it was in a release, with the tools of this one."""
    with tarfile.open(Path(__file__).with_name(f"{release}.tar.xz")) as archive:
        archive.extractall(folder, filter="data")
    for tools in (".venv", ".venv-aws", ".venv-sam"):
        (folder / tools).symlink_to(ROOT / tools)
    (folder / "requirements").mkdir()
    for name in ("pyproject.toml", *(f"requirements/{tools}.txt" for tools in ("dev", "aws", "sam"))):
        shutil.copyfile(ROOT / name, folder / name)
        os.utime(folder / name, (0, 0))  # its make is not to install anything
    return folder


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    until = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.2)


def hooks_of(client: Store) -> list[dict[str, Any]]:
    """A client's hooks."""
    hooks: list[dict[str, Any]] = client.call("GET", "hooks").json()
    return hooks


def logs_of(client: Store) -> list[dict[str, Any]]:
    """All that the log has of a client's hooks."""
    logs = [client.call("GET", f"hooks/{hook['id']}/deliveries").json()["data"] for hook in hooks_of(client)]
    return [delivery for log in logs for delivery in log]


def signed_by(client: Store, headers: dict[str, str], body: bytes) -> bool:
    """Whether a delivery is signed with the secret that the client got from the earlier release."""
    library = Webhook(base64.b64encode(client.secret.encode()).decode())
    return bool(library.verify(body, headers))


def test_hooks_and_tokens_of_a_release_without_deliveries_are_there_and_get_events(start):
    earlier = start("0.1.0")
    one, other = (Store(earlier, STORE_HASH, scopes=("default",)) for _ in range(2))
    with Destination() as ones, Destination() as others:
        one.hook("store/order/*", ones.url)
        other.hook("store/order/created", others.url)
        deleted = one.hook("store/product/*", ones.url)
        assert one.call("DELETE", f"hooks/{deleted}").status_code == 200
        off = other.hook("store/product/*", others.url)
        other.call("PUT", f"hooks/{off}", json={"is_active": False, "headers": {"X-Key": "kept"}})
        before = hooks_of(one), hooks_of(other)
        assert earlier.run.stop() == 0

        upgraded = start(None)
        assert (hooks_of(one), hooks_of(other)) == before
        event = ("--scope", "store/order/created", "--data", '{"id": 250}')
        storehooks(upgraded, "event", "send", "--store-hash", STORE_HASH, *event)
        assert signed_by(one, *ones.next())
        assert signed_by(other, *others.next())
        assert one.hook("store/product/*", ones.url) == off + 1
        again = {"scope": "store/order/*", "destination": ones.url}
        assert one.call("POST", "hooks", json=again).status_code == 409
        assert one.call("POST", "events", json={}).status_code == 403
        assert upgraded.run.stop() == 0


def test_a_retry_that_waits_and_messages_on_the_queues_are_delivered_by_the_new_release(start):
    earlier = start("0.2.0-first")
    one, other = Store(earlier, STORE_HASH), Store(earlier, STORE_HASH)
    _, port = free_ports()
    with Destination() as ones, Destination() as others:
        one.hook("store/order/*", ones.url)
        other.hook("store/order/created", others.url)
        one.publish("store/order/updated")
        done, _ = ones.next()
        failing = other.hook("store/product/*", f"http://127.0.0.1:{port}/hook")
        refused = other.delivery(failing, other.publish("store/product/updated"))
        assert refused["status"] == "retrying"
        # From here on nothing is taken from the deliveries queue, and then from the events queue neither.
        earlier.take_from_queue("deliver", enabled=False)
        one.publish("store/order/created")
        eventually(lambda: earlier.waiting("DeliveriesQueue") == 2)
        earlier.take_from_queue("match_events", enabled=False)
        one.publish("store/order/created")
        eventually(lambda: earlier.waiting("EventsQueue") == 1)
        before = [(hooks_of(client), logs_of(client)) for client in (one, other)]
        assert [len(log) for _, log in before] == [1, 1]
        assert earlier.run.stop() == 0

        with Destination(port=port) as back:
            upgraded = start(None)
            assert [(hooks_of(client), logs_of(client)) for client in (one, other)] == before
            upgraded.take_from_queue("match_events", enabled=True)
            upgraded.take_from_queue("deliver", enabled=True)
            for client, destination in ((one, ones), (other, others)):
                came = [destination.next() for _ in range(2)]
                assert all(signed_by(client, headers, body) for headers, body in came)
                assert len({headers["webhook-id"] for headers, _ in came}) == 2
            headers, body = back.next()
        assert headers["webhook-id"] == refused["id"]
        assert signed_by(other, headers, body)
        for client in (one, other):
            eventually(lambda client=client: {log["status"] for log in logs_of(client)} == {"delivered"})
            assert len(logs_of(client)) == 3

        (hook,) = hooks_of(one)
        path = f"hooks/{hook['id']}/deliveries/{done['webhook-id']}/redeliver"
        assert one.call("POST", path).status_code == 202
        assert ones.next()[0]["webhook-id"] == done["webhook-id"]
        assert upgraded.run.stop() == 0
