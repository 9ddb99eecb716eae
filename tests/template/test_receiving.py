"""The functions of docs/receiving.md that verify a signature, each in its language."""

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest

from storehooks.domain.retry import BIGCOMMERCE_SCHEDULE, RetrySchedule
from storehooks.domain.signature import signature_headers
from tests.optional import program

pytestmark = pytest.mark.toolchain

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "receiving.md").read_text()
VECTOR = json.loads((ROOT / "tests/unit/signature_vector.json").read_text())
AT = VECTOR["webhook-timestamp"]
RIGHT = VECTOR["webhook-signature"]
WRONG = "v1," + base64.b64encode(bytes(32)).decode()

VALID = {
    "secret": VECTOR["client_secret"],
    "id": VECTOR["webhook-id"],
    "timestamp": str(AT),
    "signatures": RIGHT,
    "body": VECTOR["body"],
    "now": AT,
}
ACCEPTED = {
    "the vector": {},
    "the right signature second": {"signatures": f"{WRONG} {RIGHT}"},
    "the right signature first": {"signatures": f"{RIGHT} {WRONG}"},
    "the right signature beside others": {"signatures": f"v1a,{RIGHT[3:]} v1,ü  {RIGHT} v1,"},
    "five minutes old": {"now": AT + 300},
    "five minutes early": {"now": AT - 300},
    "letters of all kinds": {
        "body": '{"name": "Zoë 🛒"}',
        "signatures": signature_headers(
            VECTOR["webhook-id"],
            '{"name": "Zoë 🛒"}'.encode(),
            secrets=[VECTOR["client_secret"]],
            now=AT,
        )["webhook-signature"],
    },
}
REFUSED = {
    "a changed body": {"body": VECTOR["body"].replace("250", "251")},
    "an old timestamp": {"now": AT + 301},
    "a timestamp to come": {"now": AT - 301},
    "a changed timestamp": {"timestamp": str(AT + 1)},
    "a timestamp that is not a number": {"timestamp": f"{AT}x"},
    "a timestamp with a line break": {"timestamp": f"{AT}\n"},
    "no timestamp": {"timestamp": ""},
    "a changed id": {"id": "msg_0002"},
    "no id": {"id": ""},
    "another secret": {"secret": "x" * 64},
    "a wrong signature": {"signatures": WRONG},
    "two wrong signatures": {"signatures": f"{WRONG} {WRONG}"},
    "no signature": {"signatures": ""},
    "another version": {"signatures": RIGHT.replace("v1", "v2")},
    "no version": {"signatures": RIGHT.removeprefix("v1,")},
    "a part of the signature": {"signatures": RIGHT[:-1]},
    "letters that base64 has not": {"signatures": "v1,ü"},
}
CASES = [VALID | change for change in (*ACCEPTED.values(), *REFUSED.values())]

# A program around each function: cases come in as JSON, and whether each was accepted goes out.
PYTHON = """
import sys

def accepts(case):
    body = case["body"].encode()
    arguments = (case["secret"], case["id"], case["timestamp"], case["signatures"], body)
    try:
        return verified(*arguments, now=case["now"]) == json.loads(body)
    except ValueError:
        return False

print(json.dumps([accepts(case) for case in json.load(sys.stdin)]))
"""
NODE = """
const cases = JSON.parse(require("node:fs").readFileSync(0));
console.log(JSON.stringify(cases.map((one) => {
  const body = Buffer.from(one.body);
  try {
    const event = verified(one.secret, one.id, one.timestamp, one.signatures, body, one.now);
    return JSON.stringify(event) === JSON.stringify(JSON.parse(one.body));
  } catch (error) {
    if (error.constructor !== Error) throw error;
    return false;
  }
})));
"""
PHP = """
echo json_encode(array_map(function ($one) {
    try {
        [$body, $now] = [$one['body'], $one['now']];
        $event = verified($one['secret'], $one['id'], $one['timestamp'], $one['signatures'], $body, $now);
        return $event === json_decode($body, true);
    } catch (UnexpectedValueException) {
        return false;
    }
}, json_decode(stream_get_contents(STDIN), true)));
"""
RUBY = """
puts(JSON.parse($stdin.read).map do |one|
  body = one["body"]
  event = verified(one["secret"], one["id"], one["timestamp"], one["signatures"], body, now: one["now"])
  event == JSON.parse(body)
rescue ArgumentError
  false
end.to_json)
"""
GO = """
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"time"

	"receiver"
)

func main() {
	var cases []struct {
		Secret, Id, Timestamp, Signatures, Body string
		Now int64
	}
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	accepted := []bool{}
	for _, one := range cases {
		now, body := time.Unix(one.Now, 0), []byte(one.Body)
		event, err := receiver.Verified(one.Secret, one.Id, one.Timestamp, one.Signatures, body, now)
		var expected map[string]any
		json.Unmarshal(body, &expected)
		accepted = append(accepted, err == nil && reflect.DeepEqual(event, expected))
	}
	json.NewEncoder(os.Stdout).Encode(accepted)
}
"""


def snippet(language: str) -> str:
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return code


def run(*command: object, given: str = "", cwd: Path) -> str:
    response = subprocess.run(
        [str(part) for part in command], input=given, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert response.returncode == 0, response.stdout + response.stderr
    assert response.stderr == ""
    return response.stdout


def check(accepted: str) -> None:
    names = [*ACCEPTED, *REFUSED]
    found = {name for name, is_accepted in zip(names, json.loads(accepted), strict=True) if is_accepted}
    assert found == set(ACCEPTED)


@pytest.mark.parametrize(
    ("name", "language", "around", "file"),
    [
        ("python3", "python", PYTHON, "receiver.py"),
        ("node", "javascript", NODE, "receiver.js"),
        ("php", "php", PHP, "receiver.php"),
        ("ruby", "ruby", RUBY, "receiver.rb"),
    ],
)
def test_a_snippet_accepts_what_is_signed_and_nothing_else(name, language, around, file, tmp_path):
    interpreter = program(name)
    (tmp_path / file).write_text(snippet(language) + around)
    check(run(interpreter, file, given=json.dumps(CASES), cwd=tmp_path))


def test_the_snippet_in_go_does_too(tmp_path, monkeypatch):
    """Where there is a compiler: it is half a gigabyte, more than CI is to download for one page."""
    go = program("go", in_ci=False)
    monkeypatch.setenv("GOCACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    (tmp_path / "go.mod").write_text("module receiver\n\ngo 1.18\n")
    (tmp_path / "receiver.go").write_text(snippet("go"))
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases/main.go").write_text(GO.lstrip())
    run(go, "vet", "./...", cwd=tmp_path)
    check(run(go, "run", "./cases", given=json.dumps(CASES), cwd=tmp_path))


def test_the_page_tells_the_schedule_and_the_deadline_of_the_template():
    hours = [f"{slot // 3600}" for slot in RetrySchedule.parse(BIGCOMMERCE_SCHEDULE).slots if slot > 1800]
    assert f"{', '.join(hours[:-1])} and {hours[-1]} hours" in PAGE
    assert "`DeliveryTimeoutSeconds` (10)" in PAGE
