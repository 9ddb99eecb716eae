"""The commands of the README and of docs/ are run, but for those that are run elsewhere."""

import secrets
import subprocess
from pathlib import Path

import pytest

from tests.documented_commands import BLOCKS, is_run

pytestmark = pytest.mark.toolchain

ROOT = Path(__file__).parents[2]


def test_the_blocks_are_found():
    assert len(BLOCKS) >= 13
    assert sum(map(is_run, BLOCKS)) >= 9


def test_the_blocks_run_in_their_order(stack):
    """In one shell, as a reader types them; but for the ports, the folder, and a store that is new."""
    # But for the one that revokes the token: the pages of docs/ use it.
    blocks = sorted(filter(is_run, BLOCKS), key=lambda block: "token revoke" in block)
    script = "\n".join(["set -eu", *blocks])
    for written, here in {
        "http://127.0.0.1:3000": stack.base_url,
        "localhost:3443": stack.tls_base_url.removeprefix("https://"),
        ".local/": f"{stack.data_dir}/",
        "5ueh97": f"readme{secrets.token_hex(4)}",
        "curl -s ": "curl -sS --fail-with-body ",
    }.items():
        assert written in script
        script = script.replace(written, here)
    response = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=stack.environment | {"DATA_DIR": str(stack.data_dir)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert response.returncode == 0, response.stdout + response.stderr
