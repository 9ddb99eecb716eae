"""Every command of the README and of docs/ is run by a test, or it is said what stands in for that."""

import json
import re
import socket
import subprocess
import sys
import time

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from storehooks.domain.signature import signature_headers
from storehooks_cli.client_secret import library_secret
from tests.documented_commands import BETWEEN, BLOCKS, ELSEWHERE, PAGES, ROOT, is_run


def lines_elsewhere() -> list[str]:
    return [line.strip() for block in BLOCKS if not is_run(block) for line in block.splitlines()]


@pytest.mark.parametrize("line", sorted(set(lines_elsewhere())))
def test_a_line_that_is_not_run_with_the_others_is_known(line):
    """So that none is left out because another of its block is."""
    known = [begin for begin in (*ELSEWHERE, *BETWEEN) if re.match(begin, line)]
    assert known


@pytest.mark.parametrize("begin", ELSEWHERE)
def test_what_is_said_to_be_elsewhere_is_there_and_is_still_needed(begin):
    assert any(re.match(begin, line) for line in lines_elsewhere())
    for named in re.findall(r"(?:tests/|\.ci/)[\w/.]*\w", ELSEWHERE[begin]):
        assert (ROOT / named).is_file(), named


def test_each_block_is_of_a_kind_that_a_test_knows():
    """Commands are run; JSON is read, and so are the others by the tests of their pages."""
    kinds = {
        (page.name, kind)
        for page in PAGES
        for kind in re.findall(r"^```(\w*)\n.*?^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    }
    of_receivers = {("receiving.md", kind) for kind in ("python", "javascript", "php", "ruby", "go")}
    of_the_example = {("CONTRIBUTING.md", kind) for kind in ("python", "yaml")}
    others = {kind for kind in kinds if kind[1] not in {"sh", "json", ""}} - of_receivers - of_the_example
    assert others == {
        ("README.md", "python"),
        ("architecture.md", "mermaid"),
        ("command-line.md", "toml"),
        ("hooks-as-code.md", "yaml"),
        ("operations.md", "yaml"),
        ("provisioning.md", "javascript"),  # tests/e2e/test_provisioning_page.py
        ("provisioning.md", "python"),
    }


def test_the_app_of_the_readme_takes_what_is_signed_with_its_secret_and_nothing_else():
    """With a secret as `listen` prints it."""
    (app,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    client_secret, body = (
        "kv9c2examplesecret0123456789abcdef",
        b'{"scope":"store/order/created","data":{"id":250}}',
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    arguments = [sys.executable, "-c", app.replace("8000", str(port)), library_secret(client_secret)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        session = requests.Session()
        session.mount("http://", HTTPAdapter(max_retries=Retry(connect=10, backoff_factor=0.1)))

        def post(secret: str) -> int:
            headers = signature_headers("msg_1", body, secrets=[secret], now=time.time())
            url = f"http://127.0.0.1:{port}/path"
            return session.post(url, body, headers=headers, timeout=10).status_code

        assert post(client_secret) == 204
        with pytest.raises(requests.ConnectionError):
            post("another secret")
        running.kill()
        assert running.communicate()[0] == "store/order/created {'id': 250}\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_json_in_a_page_is_json(page):
    for block in re.findall(r"^```json\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE):
        assert json.loads(block)
