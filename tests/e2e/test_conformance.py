"""The running API against its document: requests that schemathesis makes up, good ones and bad ones.

`make fuzz` runs this for FUZZ_SECONDS, with other requests each time.
Nothing that is made up leads to another than the receiver of these tests: see tests/fuzz/wire.py.
"""

import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from storehooks_cli.openapi.operations import OPERATIONS
from tests.e2e.command_line import storehooks
from tests.e2e.conftest import ROOT
from tests.e2e.store import Destination, Store

pytestmark = pytest.mark.toolchain

STORE_HASH = "made0up"
SECONDS = int(os.environ.get("FUZZ_SECONDS", "0"))
# To start, to make what a short run makes, and to end what is under way.
SPARE_SECONDS = 240
# When there is time: other requests each time, hundreds in the coverage phase, some again without a token.
MORE = ["--max-time", str(SECONDS), "--max-examples", "25", "--seed", str(secrets.randbelow(2**32))]
FEW = ["--phases", "examples,fuzzing,stateful", "--max-examples", "1", "--exclude-checks", "ignored_auth"]
# What schemathesis asks first, to know what the server takes: a NUL in a header, a backslash in a path.
PROBES = 2
OF_ADMIN = "^/admin/"


@dataclass(frozen=True)
class Outcome:
    """How schemathesis ended, how many routes it tried, and how many answers had which status."""

    status: int
    output: str
    operations: dict[str, int]
    responses: dict[int, int]

    @property
    def tried(self) -> int:
        return sum(self.responses.values())

    @property
    def failed(self) -> int:
        """How many answers were a 5xx."""
        return sum(number for status, number in self.responses.items() if status >= 500)


class Fuzzing:
    """A store with two clients; one of them has a hook, and a delivery to it."""

    def __init__(self, stack, folder: Path, destination: Destination) -> None:
        self._base_url, self._folder = stack.base_url, folder
        self.clients = {name: Store(stack, STORE_HASH) for name in ("one", "other")}
        hook_id = self.clients["one"].hook("store/cart/*", destination.url)
        delivery = self.clients["one"].delivery(hook_id, self.clients["one"].publish("store/cart/created"))
        self.admin_token = json.loads(storehooks(stack, "admin-token", "create", "--json").stdout)[
            "access_token"
        ]
        self._environment = {
            "PYTHONPATH": str(ROOT),
            "FUZZ_TOKENS": str(folder / "tokens.json"),
            "FUZZ_COUNTS": str(folder / "counts.json"),
            "FUZZ_SERVER": stack.base_url,
            "FUZZ_STORE_HASH": STORE_HASH,
            "FUZZ_RECEIVER": destination.url.removesuffix("/hook"),
            "FUZZ_HOOK": str(hook_id),
            "FUZZ_DELIVERY": delivery["id"],
        }

    def run(self, *options: str, tokens: Mapping[str, str]) -> Outcome:
        """Run schemathesis with the tokens of two clients, by their names."""
        report, counts = self._folder / "report.json", self._folder / "counts.json"
        # In the form of Web Fuzzing Commons.
        users = [
            {"name": name, "fixedHeaders": [{"name": "X-Auth-Token", "value": token}]}
            for name, token in tokens.items()
        ]
        (self._folder / "tokens.json").write_text(json.dumps({"auth": users}))
        ended = subprocess.run(
            [
                ROOT / ".venv/bin/st", "--config-file", ROOT / "tests/fuzz/schemathesis.toml",
                "run", ROOT / "docs/openapi.yaml", "--url", self._base_url, "--no-color",
                "--report-json-path", report, *options,
            ],
            cwd=self._folder,
            env=os.environ | self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS + SPARE_SECONDS,
        )  # fmt: skip
        responses = {int(status): number for status, number in json.loads(counts.read_text()).items()}
        operations = json.loads(report.read_text())["operations"]
        return Outcome(ended.returncode, ended.stdout, operations, responses)


@pytest.fixture(scope="module")
def fuzzing(stack, tmp_path_factory):
    with Destination() as destination:
        fuzzing = Fuzzing(stack, tmp_path_factory.mktemp("fuzzing"), destination)
        yield fuzzing
        # Or what is held for them would be sent to whoever listens on the receiver's port next.
        for client in fuzzing.clients.values():
            while hooks := client.call("GET", "hooks").json():
                for hook in hooks:
                    assert hook["destination"].startswith(f"http://127.0.0.1:{destination.port}/")
                    assert client.call("DELETE", f"hooks/{hook['id']}").status_code == 200


@pytest.fixture
def told(record_property):
    """Tell what came of a run, in the summary of the tests."""

    def told(outcome: Outcome) -> Outcome:
        record_property("requests made up", outcome.tried)
        record_property("of them answered 5xx", outcome.failed)
        if SECONDS:
            print(outcome.output, outcome.responses)  # noqa: T201
        return outcome

    return told


def test_no_answer_is_other_than_the_document_says(fuzzing, told):
    tokens = {name: client.token for name, client in fuzzing.clients.items()}
    outcome = told(fuzzing.run(*(MORE if SECONDS else FEW), "--exclude-path-regex", OF_ADMIN, tokens=tokens))
    check(outcome)
    assert outcome.operations["selected"] < outcome.operations["total"]


def test_no_answer_of_the_admin_api_is_other_than_the_document_says(fuzzing, told):
    # There is no second admin who must not see what the first one sees.
    tokens = {"one": fuzzing.admin_token, "other": "unknown"}
    outcome = told(fuzzing.run(*(MORE if SECONDS else FEW), "--include-path-regex", OF_ADMIN, tokens=tokens))
    check(outcome)
    assert outcome.operations["selected"] == sum(path.startswith("/admin/") for _, path in OPERATIONS)


def check(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome.output
    assert outcome.failed == 0
    assert outcome.operations["tested"] == outcome.operations["selected"] > 0


def test_with_an_unknown_token_every_answer_is_a_401_as_the_document_has_it(fuzzing, told):
    few = ["--phases", "fuzzing", "--mode", "positive", "--max-examples", "1", "--exclude-path", "/console"]
    outcome = told(fuzzing.run(*few, tokens=dict.fromkeys(fuzzing.clients, "unknown")))
    assert outcome.status == 0, outcome.output
    assert outcome.responses[401] == outcome.tried - PROBES >= outcome.operations["selected"]
