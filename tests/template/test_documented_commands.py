"""Every command of the README and of docs/ is run by a test, or it is said what stands in for that."""

import json
import re
import time

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from storehooks.domain.signature import signature_headers
from storehooks_cli.client_secret import secret_fields
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
    others = {kind for kind in kinds if kind[1] not in {"sh", "json", ""}} - of_receivers
    assert others == {
        ("README.md", "python"),
        ("architecture.md", "mermaid"),
        ("command-line.md", "toml"),
        ("hooks-as-code.md", "yaml"),
        ("operations.md", "yaml"),
        ("provisioning.md", "javascript"),  # tests/e2e/test_provisioning_page.py
        ("provisioning.md", "python"),
    }


def test_the_python_of_the_readme_verifies_a_signature():
    """As Standard Webhooks' own library does it, with a secret as `token create` prints it for libraries."""
    (snippet,) = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    body = b'{"scope":"store/order/created"}'
    client_secret = "kv9c2examplesecret0123456789abcdef"
    headers = signature_headers("msg_1", body, secrets=[client_secret], now=time.time())
    secret = secret_fields(client_secret)["standard_webhooks_secret"]
    found = {"standard_webhooks_secret": secret, "body": body, "headers": headers}
    exec(snippet, found)  # noqa: S102 - the README's own
    assert found["event"] == {"scope": "store/order/created"}
    with pytest.raises(WebhookVerificationError):
        exec(snippet, found | {"body": body + b" "})  # noqa: S102


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_json_in_a_page_is_json(page):
    for block in re.findall(r"^```json\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE):
        assert json.loads(block)
