"""`make lint` finds a secret that is checked in by mistake, and passes over the examples alone."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.known_examples import LINES, PATTERNS, VALUES

ROOT = Path(__file__).parents[2]
KNOWN = ROOT / "tests" / "known_examples.py"


@pytest.fixture
def scan(tmp_path):
    """What the search says of a file with this line: its exit status and its words."""

    def run(line: str, name: str = "settings.py") -> tuple[int, str]:
        (tmp_path / name).write_text(f"# settings\n{line}\n")
        hook = Path(sys.executable).with_name("detect-secrets-hook")
        command = [hook, "--no-verify", "--baseline", ROOT / ".secrets.baseline", tmp_path / name]
        response = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return response.returncode, response.stdout

    return run


# Made here, so that the search does not find them in this file.
RANDOM = hashlib.sha256(b"planted").hexdigest()
WORDS = "correct-horse"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f'key = "AKIA{RANDOM[:16].upper()}"', "AWS Access Key"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----", "Private Key"),
        (f'database = "https://store:{RANDOM[:8]}@db.example.com/"', "Basic Auth Credentials"),
        (f'token = "ghp_{RANDOM[:36]}"', "GitHub Token"),
        (f'headers = {{"X-Auth-Token": "{RANDOM[:32]}"}}', "Hex High Entropy String"),
        (f'client_secret = "{WORDS}"', "Secret Keyword"),
    ],
)
def test_a_secret_is_found_also_where_a_comment_says_it_is_none(scan, line, kind):
    status, said = scan(f"{line}  # pragma: allowlist secret")
    assert status == 1
    assert re.search(rf"Secret Type: {kind}\nLocation: +\S+settings.py:2", said)


def test_an_example_is_passed_over_and_one_that_is_like_it_is_found(scan):
    example = "0123456789abcdef0123456789abcdef"
    assert example in VALUES
    assert scan(f'token = "{example}"') == (0, "")
    assert scan(f'token = "{example.replace("0", "9")}"')[0] == 1


def test_every_example_has_its_reason_and_is_in_use():
    """Nothing is kept in the baseline, where no reason could stand."""
    assert json.loads((ROOT / ".secrets.baseline").read_text())["results"] == {}
    explained = re.findall(r"^    r?(['\"]).+\1,  # \S", KNOWN.read_text(), re.MULTILINE)
    assert len(explained) == len(VALUES) + len(PATTERNS) + len(LINES)
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in tracked.decode().split("\0") if re.search(r"\.(py|json|md|yaml)$", name)]
    text = "\n".join(path.read_text() for path in files if path != KNOWN)
    assert {value for value in VALUES if value not in text} == set()
    assert {pattern for pattern in PATTERNS | LINES if not re.search(pattern, text)} == set()
