"""storehooks hook sync and export, over the real functions; and over an API that fails."""

import itertools
import json
import os
import re
import signal
from io import BytesIO
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from typer.testing import CliRunner
from urllib3 import HTTPResponse

from storehooks_cli import api_client
from storehooks_cli.commands import commands
from storehooks_cli.hook_file import FIELDS, HIDDEN, identity_of
from storehooks_cli.stopping import SIGNALS
from tests.event_files import load_event
from tests.integration.scripted_api import scripted_api
from tests.integration.test_commands_over_http import hook, problem
from tests.made_up_hooks import bodies, shown

STORE = "5ueh97"
NOWHERE = "http://127.0.0.1:9"
FILE = """\
hooks:
  - scope: store/order/*
    destination: https://app.example.com/orders
    headers: {X-Key: "${KEY}"}
    max_per_second: 5
  - scope: store/order/*
    destination: https://app.example.com/orders
    filter: {data: {id: [1.50]}}
    is_paused: true
  - scope: store/cart/*
    destination: https://app.example.com/carts
    is_active: false
"""


@pytest.fixture(autouse=True)
def handlers():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def over_functions(monkeypatch, functions):
    """The commands' requests are events of the functions, of the client that is the token."""

    class Gateway(HTTPAdapter):
        def send(self, request, **_options):
            url = urlsplit(request.url)
            _, _, store, version, *hook_path = url.path.split("/")
            name = NAMES[request.method, len(hook_path)]
            event = load_event(name)
            event["pathParameters"]["store_hash"] = store
            if len(hook_path) > 1:
                event["pathParameters"]["id"] = hook_path[1]
            event["requestContext"]["authorizer"] |= {
                "store_hash": store,
                "client_id": request.headers["X-Auth-Token"],
            }
            event["queryStringParameters"] = dict(parse_qsl(url.query)) or None
            event["body"] = request.body
            answer = functions.handler(name)(event, None)
            raw = HTTPResponse(
                BytesIO(answer["body"].encode()),
                headers=answer["headers"],
                status=answer["statusCode"],
                preload_content=False,
            )
            assert version == "v2"
            return self.build_response(request, raw)

    functions.handler("get_hook")  # its logger writes to what standard output is before a command runs
    monkeypatch.setattr(api_client, "HTTPAdapter", Gateway)


NAMES = {
    ("GET", 1): "list_hooks",
    ("POST", 1): "create_hook",
    ("PUT", 2): "update_hook",
    ("DELETE", 2): "delete_hook",
}


class Commands:
    """The command line with one client's token."""

    def __init__(self, token, url=NOWHERE, store=STORE):
        environment = {"STOREHOOKS_TOKEN": token, "STOREHOOKS_URL": url, "KEY": "s3cret", "COLUMNS": "200"}
        self._runner = CliRunner(env=environment | {"STOREHOOKS_STORE_HASH": store})

    def __call__(self, *arguments, **options):
        response = self._runner.invoke(commands, ["hook", *arguments], **options)
        assert response.exception is None or isinstance(response.exception, SystemExit), response.exception
        return response

    def sync(self, text, *options, status=0, **environment):
        response = self("sync", "-", *options, input=text, env=environment)
        assert response.exit_code == status, response.output
        assert "s3cret" not in response.output
        return response

    def hooks(self):
        return json.loads(self("list", "--json").stdout)


@pytest.fixture
def run(over_functions):
    return Commands("a" * 32)


def actions(response):
    """What a plan has in its first two columns."""
    return [tuple(line.split()[:2]) for line in response.stdout.splitlines()[1:]]


def test_a_file_is_what_the_client_has_and_then_there_is_nothing_to_do(run):
    planned = run.sync(FILE, "--dry-run", status=2)
    assert run.hooks() == []
    synced = run.sync(FILE)
    assert synced.stdout == planned.stdout
    assert synced.stderr.splitlines() == ["storehooks: 3 created"]
    limited, filtered, inactive = run.hooks()
    assert (limited["headers"], limited["max_per_second"]) == ({"X-Key": "s3cret"}, 5)
    assert (limited["is_active"], filtered["is_active"], inactive["is_active"]) == (True, True, False)
    assert filtered["is_paused"]
    again = run.sync(FILE)
    assert (again.stdout, again.stderr) == ("", "storehooks: there is nothing to do\n")
    assert run.sync(FILE, "--dry-run").stderr == "storehooks: there is nothing to do\n"


def test_a_plan_is_a_table_of_what_is_created_changed_and_removed(run):
    run.sync(FILE)
    text = FILE.replace("carts", "cart").replace("max_per_second: 5", "max_per_second: 2.5")
    planned = run.sync(text, "--dry-run", "--prune", status=2, KEY="another")
    rows = [re.split(r" {2,}", line) for line in planned.stdout.splitlines()]
    assert rows == [
        ["ACTION", "ID", "SCOPE", "DESTINATION", "FILTER", "FIELDS"],
        ["create", "store/cart/*", "https://app.example.com/cart", "is_active: false"],
        [
            "change", "1", "store/order/*", "https://app.example.com/orders",
            "headers: X-Key changed; max_per_second: 5 -> 2.5",
        ],
        ["remove", "3", "store/cart/*", "https://app.example.com/carts"],
    ]  # fmt: skip
    assert "another" not in planned.output


def test_a_changed_destination_is_another_hook_and_the_former_goes_when_that_is_asked_for(run):
    run.sync(FILE)
    text = FILE.replace("carts", "cart")
    left = run.sync(text)
    assert actions(left) == [("create", "store/cart/*")]
    assert (
        "hook 3 for store/cart/* to https://app.example.com/carts is not in the file and stays" in left.stderr
    )
    assert actions(run.sync(text, "--prune")) == [("remove", "3")]
    assert [one["id"] for one in run.hooks()] == [1, 2, 4]


def test_a_hook_resumes_and_the_recovery_of_what_was_held_is_named(run):
    run.sync(FILE)
    resumed = run.sync(FILE.replace("is_paused: true", "is_paused: false\n    max_per_second: 9"))
    assert re.search(r"storehooks recover 2 --store-hash 5ueh97 --id rec_[0-9a-f]{32}\n", resumed.stderr)
    assert "is_paused" not in run.hooks()[1]
    assert run.hooks()[1]["max_per_second"] == 9


def test_a_deactivated_hook_is_named_and_stays_so_unless_the_file_says_otherwise(run, functions):
    run.sync(FILE)
    hooks = functions.parts("deliver").hooks
    hooks.deactivate(hooks.find(STORE, 1), "answered 410")
    again = run.sync(FILE)
    assert "hook 1 stays deactivated (answered 410)" in again.stderr
    assert json.loads(run.sync(FILE, "--json").stdout)["deactivated"] == [1]
    text = FILE.replace("max_per_second: 5", "max_per_second: 5\n    is_active: true")
    assert "is_active: deactivated -> true" in run.sync(text).stdout
    assert run.hooks()[0]["is_active"]


def test_a_scope_that_is_full_gets_other_hooks(run):
    def full(start):
        names = [
            f"  - {{scope: store/*, destination: 'https://app.example.com/{number}'}}\n"
            for number in range(start, start + 10)
        ]
        return "hooks:\n" + "".join(names)

    run.sync(full(0))
    assert run.sync(full(5), "--prune").stderr.splitlines() == ["storehooks: 5 created, 5 removed"]
    refused = run.sync(full(0), status=1)
    assert "store/* would have 15 hooks" in refused.stderr
    assert refused.stdout == ""


def test_where_a_quota_leaves_no_room_a_hook_is_removed_first(run, monkeypatch):
    monkeypatch.setenv("MAX_HOOKS_PER_CLIENT", "3")
    run.sync(FILE)
    text = FILE.replace("carts", "cart").replace("orders", "order")
    assert run.sync(text, "--prune").stderr.splitlines() == ["storehooks: 3 created, 3 removed"]
    hooks = run.hooks()
    assert {one["destination"].rpartition("/")[2] for one in hooks} == {"order", "cart"}
    refused = run.sync(FILE, status=1)
    assert refused.stderr.splitlines()[-1].startswith("storehooks: This client has 3 hooks already")
    assert run.hooks() == hooks


def test_what_was_done_and_is_left_is_json_too(run):
    planned = json.loads(run.sync(FILE, "--dry-run", "--json", status=2).stdout)
    assert [(step["action"], step["is_done"]) for step in planned["steps"]] == [("create", False)] * 3
    assert planned["steps"][0]["fields"] == {"headers": "X-Key", "max_per_second": "5"}
    done = run.sync(FILE, "--json")
    assert [(step["id"], step["is_done"]) for step in json.loads(done.stdout)["steps"]] == [
        (1, True),
        (2, True),
        (3, True),
    ]
    assert '"id": [\n            1.50\n' in done.stdout
    assert json.loads(run.sync("hooks: []", "--json").stdout) == {
        "steps": [],
        "unlisted": [1, 2, 3],
        "deactivated": [],
    }


def test_an_export_has_names_instead_of_values_and_is_synced_again(run):
    run.sync(FILE)
    written = run("export")
    assert written.stderr == "storehooks: the values of headers are left out; set X_KEY for hook sync\n"
    assert "s3cret" not in written.stdout
    assert run.sync(written.stdout, X_KEY="s3cret").stderr == "storehooks: there is nothing to do\n"
    assert actions(run.sync(written.stdout, "--dry-run", X_KEY="other", status=2)) == [("change", "1")]
    whole = run("export", "--with-secrets")
    assert "s3cret" in whole.stdout
    assert whole.stderr == ""
    assert json.loads(run("export", "--json", "--with-secrets").stdout)["hooks"][0]["headers"] == {
        "X-Key": "s3cret"
    }


def test_an_export_names_its_schema_from_where_one_is(run, monkeypatch, root):
    monkeypatch.chdir(root / "docs")
    assert run("export").stdout == "# yaml-language-server: $schema=hooks.schema.json\nhooks: []\n"
    assert (root / "docs" / "hooks.schema.json").is_file()


STORES = itertools.count()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(bodies(), max_size=4, unique_by=lambda body: identity_of(shown(body))))
def test_an_export_of_any_hooks_leaves_nothing_to_do_and_makes_the_same_elsewhere(over_functions, made_up):
    store = f"store{next(STORES)}"
    run, elsewhere = (Commands(letter * 32, store=store) for letter in "ab")
    api = api_client.Api(NOWHERE, store, "a" * 32)
    for body in made_up:
        api.post("hooks", "", body | {"is_active": body.get("is_active", True)})
    for options in (["--with-secrets"], ["--with-secrets", "--json"]):
        file = run("export", *options).stdout
        assert run.sync(file).stderr == "storehooks: there is nothing to do\n"
        elsewhere.sync(file)
    given = [api.hooks(), api_client.Api(NOWHERE, store, "b" * 32).hooks()]
    as_wanted, as_made = (
        [{name: value for name, value in one.items() if name in FIELDS} for one in hooks] for hooks in given
    )
    assert as_made == [one | {"headers": one["headers"] or None} for one in as_wanted]


# -------------------------------------------------------------------- an API that fails


@pytest.fixture
def api():
    with scripted_api() as api:
        yield api


THREE = [
    hook(
        3, scope="store/order/*", headers=None, destination="https://app.example.com/orders", max_per_second=1
    ),
    hook(4, scope="store/cart/*", headers=None, destination="https://app.example.com/carts"),
    hook(5, scope="store/*", headers=None, destination="https://app.example.com/all"),
]
TO_DO = """\
hooks:
  - {scope: store/order/*, destination: "https://app.example.com/orders", headers: {A: s3cret}}
  - {scope: store/shipment/*, destination: "https://app.example.com/shipments"}
  - {scope: store/customer/*, destination: "https://app.example.com/customers"}
"""


def test_the_first_failure_ends_it_and_what_was_done_and_is_left_is_said(api):
    run = Commands("t0ken", api.url, "h1")
    api.will_answer(200, THREE)
    api.will_answer(201, hook(6))
    api.will_answer(503, [problem(503, "Busy.")])
    failed = run.sync(TO_DO, "--prune", status=1)
    assert failed.stderr.splitlines() == [
        "storehooks: stopped after 1 of 5; to go on, run it again",
        "storehooks: done: create hook 6 for store/shipment/* to https://app.example.com/shipments",
        "storehooks: left: create a hook for store/customer/* to https://app.example.com/customers",
        "storehooks: left: change hook 3 for store/order/* to https://app.example.com/orders",
        "storehooks: left: remove hook 4 for store/cart/* to https://app.example.com/carts",
        "storehooks: left: remove hook 5 for store/* to https://app.example.com/all",
        "storehooks: the API responded 503: Busy.",
    ]
    assert api.asked == ["GET hooks?page=1&limit=250", "POST hooks", "POST hooks"]


def test_a_failure_is_json_too(api):
    run = Commands("t0ken", api.url, "h1")
    api.will_answer(200, THREE)
    api.will_answer(201, hook(6))
    api.will_answer(409, [problem(409, "There is one.", id=9)])
    failed = run.sync(TO_DO, "--json", status=1)
    assert [step["is_done"] for step in json.loads(failed.stdout)["steps"]] == [True, False, False]
    assert failed.stderr.splitlines()[-1] == "storehooks: There is one."


def test_ctrl_c_says_what_was_done_and_is_left(api):
    run = Commands("t0ken", api.url, "h1")
    api.will_answer(200, THREE)
    api.will_answer(201, hook(6))
    api.will_answer(201, hook(7))

    def stop_at_the_second(_request):
        if len(api.requests) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    api.on_request = stop_at_the_second
    stopped = run.sync(TO_DO, status=130)
    assert "stopped after 1 of 3" in stopped.stderr
    assert len([line for line in stopped.stderr.splitlines() if line.startswith("storehooks: left: ")]) == 2


def test_headers_that_the_token_does_not_see_end_it_before_anything_is_done(api):
    run = Commands("t0ken", api.url, "h1")
    hidden = hook(3, destination="https://app.example.com/orders", headers={"A": HIDDEN})
    for _ in range(3):
        api.will_answer(200, [hidden])
    (line,) = run.sync(TO_DO, status=1).stderr.splitlines()
    assert "does not see the values of headers (hooks 3)" in line
    assert run("export", "--with-secrets").exit_code == 1
    assert "A: ${A}" in run("export").stdout
    assert api.asked == ["GET hooks?page=1&limit=250"] * 3


# -------------------------------------------------------------------- what is mistyped


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (("sync",), {}, "FILE"),
        (("sync", "-", "--dry"), {}, "--dry"),
        (("sync", "-"), {"STOREHOOKS_STORE_HASH": None}, "--store-hash"),
        (("sync", "-", "--store-hash", "?"), {}, "store-hash"),
        (("sync", "-", "--client-id", "0" * 32), {}, "--client-id"),
        (("sync", "-"), {"STOREHOOKS_TOKEN": None}, "token"),
        (("sync", "-"), {"STOREHOOKS_URL": "http://example.com"}, "--url"),
        (("sync", "/nowhere/hooks.yaml"), {}, "cannot read /nowhere/hooks.yaml: No such file or directory"),
    ],
)  # fmt: skip
def test_wrong_options_end_with_1_because_2_says_that_there_are_differences(arguments, environment, named):
    response = Commands("t0ken")(*arguments, input="hooks: []", env=environment)
    assert response.exit_code == 1
    assert named in response.stderr


def test_each_mistake_in_a_file_is_a_line_with_the_file_and_its_line(tmp_path):
    file = tmp_path / "hooks.yaml"
    file.write_bytes(b"hooks:\n  - scope: store/x\n    destination: ftp://x\n    headers: {A: '${NO}'}\n")
    response = Commands("t0ken")("sync", str(file))
    assert response.exit_code == 1
    lines = response.stderr.splitlines()
    places = (
        "2: hooks[0].scope 'store/x' is ",
        "3: hooks[0].destination does ",
        "4: hooks[0].headers.A names ",
    )
    for line, place in zip(lines, places, strict=True):
        assert line.startswith(f"storehooks: {file}:{place}")
    file.write_bytes(b"hooks:\n  - \xff")
    assert Commands("t0ken")("sync", str(file)).stderr == f"storehooks: {file}:2: is not UTF-8\n"
    file.write_bytes(b"hooks: [")
    assert Commands("t0ken")("sync", str(file)).stderr.startswith(f"storehooks: {file}:1: is not YAML")
