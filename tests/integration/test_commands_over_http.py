"""The commands that are clients of the API, over HTTP: what they send, and what they make of the answers."""

import json
import os
import re
import signal
from dataclasses import replace
from functools import reduce

import pytest
from typer.testing import CliRunner

from storehooks.api.response import Response
from storehooks.api.v2 import delivery_to_v2, whole_delivery_to_v2
from storehooks.domain import state_machine
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.delivery import Delivery
from storehooks.domain.retry import RetrySchedule
from storehooks_cli import delivery as delivery_module
from storehooks_cli import recover as recover_module
from storehooks_cli.commands import commands
from storehooks_cli.stopping import SIGNALS
from tests.integration.scripted_api import scripted_api
from tests.numbers_in_json import NUMBERS

CREATE = "storehooks token create --store-hash h1"
DELIVERY_ID = "msg_" + "0" * 32
ATTEMPT = {
    "at": "2026-11-24T02:24:24.434+00:00",
    "status": None,
    "error": "no route to \x1b[31mhost",
    "latency_ms": 31.5,
    "times": {
        "name_lookup_ms": 1.2,
        "connect_ms": None,
        "tls_ms": None,
        "first_byte_ms": None,
        "total_ms": 31.5,
    },
}
RECOVERY = {
    "id": "rec_1",
    "hook_id": 7,
    "since": "2026-11-24T00:00:00+00:00",
    "until": "2026-11-24T01:00:00+00:00",
    "status": ["exhausted", "held"],
    "state": "running",
    "reason": None,
    "count": 123,
    "is_count_exact": True,
    "recovered": 0,
    "created_at": "2026-11-24T01:00:00+00:00",
    "updated_at": "2026-11-24T01:00:00+00:00",
    "finished_at": None,
}


NONE = {"data": [], "next_cursor": None}


def hook(hook_id=7, **fields):
    return {
        "id": hook_id,
        "store_hash": "h1",
        "client_id": "0" * 32,
        "scope": "store/order/*",
        "headers": {"X-Key": "a secret"},
        "destination": "https://app.example.com/\x1b[2J",
        "created_at": "2026-11-24T02:24:24+00:00",
        "updated_at": "2026-11-24T02:24:24+00:00",
        "is_active": True,
    } | fields


def delivery(number=0, **fields):
    return {
        "id": f"msg_{number:032x}",
        "event_id": "e1",
        "scope": "store/order/created",
        "status": "retrying",
        "created_at": "2026-11-24T02:24:21.997+00:00",
        "next_attempt_at": None,
        "attempts": [ATTEMPT],
    } | fields


def problem(status, message, **details):
    return {"status": status, "message": message} | ({"details": details} if details else {})


@pytest.fixture
def api():
    with scripted_api() as api:
        yield api


@pytest.fixture
def run(api):
    """Runs a command against that API."""
    runner = CliRunner(env={"STOREHOOKS_TOKEN": "t0ken", "STOREHOOKS_URL": api.url, "COLUMNS": "200"})
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield lambda *arguments, **options: runner.invoke(commands, [*arguments, "--store-hash", "h1"], **options)
    for number, handler in handlers.items():
        signal.signal(number, handler)


# -------------------------------------------------------------------- events


def test_an_explanation_is_a_table_of_hooks_with_the_catalogues_example(api, run):
    api.will_answer(
        200,
        {
            "data": [
                {"hook_id": 7, "is_sent": True, "code": None, "reason": None},
                {"hook_id": 8, "is_sent": False, "code": "filter", "reason": "data.id is 250"},
            ]
        },
    )
    _, sent, filtered = run("event", "explain", "--scope", "store/order/created").stdout.splitlines()
    assert sent.split() == ["7", "yes"]
    assert filtered.split() == ["8", "no:", "filter", "data.id", "is", "250"]
    assert api.asked == ["POST events/explain"]
    assert json.loads(api.requests[0].body) == {
        "scope": "store/order/created",
        "data": {"type": "order", "id": 250},
    }


def test_the_numbers_of_an_event_to_explain_are_sent_as_they_were_written(api, run):
    api.will_answer(200, {"data": []})
    data = f"[{','.join(NUMBERS)}]"
    assert run("event", "explain", "--scope", "store/order/created", "--data", data).exit_code == 0
    assert f'"data":{data}' in api.requests[0].body.decode()
    assert api.requests[0].headers["Content-Type"] == "application/json"


# -------------------------------------------------------------------- hooks


def test_all_hooks_are_listed_by_their_pages_with_the_token(api, run):
    api.will_answer(200, [hook(number) for number in range(1, 251)])
    api.will_answer(200, [hook(251)])
    response = run("hook", "list", "--json")
    assert [one["id"] for one in json.loads(response.stdout)] == list(range(1, 252))
    assert api.asked == ["GET hooks?page=1&limit=250", "GET hooks?page=2&limit=250"]
    assert {request.headers["X-Auth-Token"] for request in api.requests} == {"t0ken"}


def test_a_table_tells_the_status_and_neither_credentials_nor_what_steers_a_terminal(api, run):
    deactivated = {"deactivated_at": "2020-01-01T00:00:00+00:00", "deactivation_reason": "answered 410"}
    paused = {"is_paused": True, "paused_at": "2020-01-01T00:00:00+00:00"}
    hooks = [hook(), hook(8, is_active=False), hook(9, is_active=False, **deactivated), hook(10, **paused)]
    api.will_answer(200, hooks)
    shown = run("hook", "list").stdout
    heading, active, inactive, failed, held = shown.splitlines()
    assert heading.split() == ["ID", "STATUS", "SCOPE", "DESTINATION", "HEADERS"]
    assert active.split() == ["7", "active", "store/order/*", "https://app.example.com/?[2J", "X-Key:", "***"]
    assert inactive.split()[:2] == ["8", "inactive"]
    assert " d ago: answered 410  " in failed
    assert failed.split()[:2] == ["9", "deactivated"]
    assert held.split()[:2] == ["10", "paused"]
    assert "a secret" not in shown


def test_a_list_has_columns_for_filters_and_rates_if_a_hook_has_one(api, run):
    api.will_answer(200, [hook(), hook(8, max_per_second=2.5)])
    heading, without, limited = run("hook", "list").stdout.splitlines()
    assert heading.split() == ["ID", "STATUS", "SCOPE", "DESTINATION", "MAX_PER_SECOND", "HEADERS"]
    assert without.split()[4:] == ["X-Key:", "***"]
    assert limited.split()[4:] == ["2.5", "X-Key:", "***"]
    api.will_answer(200, [hook(7, filter={"data": {"id": [250]}}), hook(8, max_per_second=2.5)])
    heading, filtered, limited = run("hook", "list").stdout.splitlines()
    assert heading.split()[4:] == ["FILTER", "MAX_PER_SECOND", "HEADERS"]
    assert filtered.split()[4:] == ["yes", "X-Key:", "***"]
    assert limited.split()[4:] == ["2.5", "X-Key:", "***"]
    api.will_answer(200, hook(8, max_per_second=5))
    assert "max_per_second  5" in run("hook", "get", "8").stdout


def test_a_deleted_hook_is_shown_as_it_was_and_said_to_be_deleted(api, run):
    api.will_answer(200, hook(7))
    response = run("hook", "delete", "7")
    assert "active" in response.stdout
    assert response.stderr == "storehooks: hook 7 is deleted; this is what it was\n"
    api.will_answer(200, hook(7))
    assert run("hook", "delete", "7", "--json").stderr == ""


def test_headers_are_shown_when_that_is_asked_for_and_in_json(api, run):
    for _ in range(3):
        api.will_answer(200, hook())
    assert "header X-Key  ***" in run("hook", "get", "7").stdout
    assert "header X-Key  a secret" in run("hook", "get", "7", "--show-headers").stdout
    assert json.loads(run("hook", "get", "7", "--json").stdout) == hook()


def test_a_hook_is_created_active_and_its_headers_may_come_from_a_file_and_from_the_input(api, run, tmp_path):
    (tmp_path / "headers").write_text("X-One: 1\n\nX-Two: a: b\n")
    api.will_answer(201, hook())
    given = ("--header", f"@{tmp_path / 'headers'}", "--header", "@-", "--header", "X-4:4")
    response = run(
        "hook",
        "create",
        "--scope",
        "store/*",
        "--destination",
        "https://x",
        *given,
        input="X-3: 3",
    )
    assert response.exit_code == 0
    assert json.loads(api.requests[0].body) == {
        "scope": "store/*",
        "destination": "https://x",
        "is_active": True,
        "headers": {"X-One": "1", "X-Two": "a: b", "X-3": "3", "X-4": "4"},
    }


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (("--inactive",), {"is_active": False}),
        (("--scope", "store/*", "--no-headers"), {"scope": "store/*", "headers": None}),
        (("--header", "A: b", "--header", "C: d"), {"headers": {"A": "b", "C": "d"}}),
        (("--filter", '{"data": {"id": [1]}}'), {"filter": {"data": {"id": [1]}}}),
        (("--no-filter",), {"filter": None}),
        (("--max-per-second", "5"), {"max_per_second": 5}),
        (("--max-per-second", "0.5"), {"max_per_second": 0.5}),
        (("--no-max-per-second",), {"max_per_second": None}),
    ],
)  # fmt: skip
def test_only_what_is_named_of_a_hook_is_changed(api, run, arguments, body):
    api.will_answer(200, hook())
    assert run("hook", "update", "7", *arguments).exit_code == 0
    assert api.asked == ["PUT hooks/7"]
    assert json.loads(api.requests[0].body) == body


def test_a_filters_numbers_are_sent_and_shown_as_they_were_written(api, run):
    pattern = f'{{"data":[{",".join(NUMBERS)}]}}'
    shown = json.dumps(hook()).removesuffix("}") + f', "filter": {pattern}}}'
    api.will_answer(200, shown.encode())
    response = run("hook", "update", "7", "--filter", pattern)
    assert api.requests[0].body.decode() == f'{{"filter":{pattern}}}'
    assert f'{{"data": [{", ".join(NUMBERS)}]}}' in response.stdout


def test_a_hook_is_paused_and_resumes_and_its_recovery_is_named(api, run):
    api.will_answer(200, hook(is_paused=True, paused_at="2020-01-01T00:00:00+00:00"))
    assert "paused" in run("hook", "pause", "7").stdout
    recovery_id = "rec_" + "0" * 32
    api.will_answer(200, hook(), Location=f"/stores/h1/v2/hooks/7/recoveries/{recovery_id}")
    resumed = run("hook", "resume", "7")
    assert "active" in resumed.stdout
    assert f"recover 7 --store-hash h1 --id {recovery_id}" in resumed.stderr
    api.will_answer(200, hook())
    assert run("hook", "resume", "7").stderr == ""
    assert api.asked == ["PUT hooks/7"] * 3
    assert [json.loads(one.body) for one in api.requests] == [
        {"is_paused": True},
        {"is_paused": False},
        {"is_paused": False},
    ]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("hook", "update", "7"), "--inactive"),
        (("hook", "update", "7", "--header", "A: b", "--no-headers"), "--no-headers"),
        (("hook", "update", "7", "--header", "s3cret"), "--header"),
        (("hook", "update", "7", "--filter", "{}", "--no-filter"), "--no-filter"),
        (("hook", "update", "7", "--filter", "{data}"), "--filter"),
        (("hook", "update", "7", "--filter", '{"a": [1], "a": [2]}'), "--filter"),
        (("hook", "update", "7", "--max-per-second", "5", "--no-max-per-second"), "--no-max-per-second"),
        (("hook", "update", "7", "--max-per-second", "many"), "--max-per-second"),
        (("hook", "get", "7", "--client-id", "0" * 32), "--client-id"),
        (("hook", "get", "0"), "'ID'"),
        (("delivery", "show", "--hook", "7", "x"), "msg_"),
        (("recover", "7"), "--since is missing"),
        (("recover", "--since", "1h"), "HOOK_ID is missing"),
        (("recover", "7", "--hook", "7", "--since", "1h"), "HOOK_ID is needed once"),
        (("recover", "7", "--since", "2026-11-24T00:00:00"), "2026-11-24T00:00:00"),
        (("recover", "7", "--since", "1h", "--id", "rec_1"), "--id"),
        (("hook", "list", "--url", "http://api.example.com"), "--url"),
        (("hook", "list", "--url", "https://u:p@api.example.com"), "--url"),
        (("listen", "--local", "--scope", "store/nothing"), "store/nothing"),
        (("listen", "--local", "--scope", "store/*", "--forward", "ftp://x"), "ftp://x"),
        (("listen", "--local", "--forward", "http://[::1/"), "accepted: one such as"),
        (("listen", "--local", "--forward", "http://127.0.0.1:99999/"), "accepted: one such as"),
        (("listen", "--local", "--forward", "http://a b/"), "accepted: one such as"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_before_anything_is_sent(api, run, arguments, named):
    response = run(*arguments)
    assert response.exit_code == 2
    mistake, help_line = response.stderr.splitlines()
    assert mistake.startswith("storehooks: ")
    assert named in mistake
    assert "Invalid value: " not in mistake
    assert help_line.startswith(f"storehooks: help: storehooks {arguments[0]} ")
    assert help_line.endswith(" -h")
    assert "s3cret" not in response.stderr
    assert api.requests == []


def test_a_ping_that_does_not_arrive_ends_with_status_1(api, run):
    ping = {"id": DELIVERY_ID, "scope": "store/hook/ping", "attempt": ATTEMPT | {"answer": ""}}
    api.will_answer(200, ping)
    api.will_answer(200, ping | {"attempt": ATTEMPT | {"status": 204, "error": None, "answer": "ok"}})
    failed, taken = run("hook", "ping", "7"), run("hook", "ping", "7")
    assert (failed.exit_code, taken.exit_code) == (1, 0)
    assert "result    no route to ?[31mhost" in failed.stdout
    assert "times     name lookup 1.2 ms, total 31.5 ms" in failed.stdout
    assert "result    taken, response 204" in taken.stdout
    assert api.asked == ["POST hooks/7/ping"] * 2


# -------------------------------------------------------------------- deliveries


def test_deliveries_are_read_as_far_as_they_are_wanted(api, run):
    for number, cursor in ((3, "c2"), (2, "c3")):
        api.will_answer(200, {"data": [delivery(one) for one in range(number)], "next_cursor": cursor})
    response = run("delivery", "list", "7", "--status", "retrying", "--limit", "4", "--json")
    assert len(json.loads(response.stdout)) == 4
    assert "more than these 4" in response.stderr
    assert api.asked == [
        "GET hooks/7/deliveries?status=retrying&limit=5",
        "GET hooks/7/deliveries?status=retrying&limit=2&cursor=c2",
    ]


def attempted(times: int) -> Delivery:
    """A delivery after so many attempts."""
    now = 1_795_487_061.0
    attempt = Attempt(at=now, status=500, error="answered 500", times=Times(total_ms=1.0), response="no\nway")
    new = Delivery(
        id=DELIVERY_ID, store_hash="h1", hook_id=7, client_id="0" * 32, event_id="e1",
        scope="store/order/created", payload='{"data": {"é": 1}}', created_at=now,
    )  # fmt: skip
    schedule = RetrySchedule((60,))
    return reduce(lambda one, _: state_machine.attempted(one, attempt, schedule, now), range(times), new)


@pytest.mark.parametrize(("times", "first"), [(1, 1), (40, 1), (43, 4)])
def test_a_delivery_is_shown_with_its_newest_attempts_by_their_numbers_and_its_payload(
    api, run, times, first
):
    api.will_answer(200, whole_delivery_to_v2(attempted(times)))
    shown = run("delivery", "show", "--hook", "7", DELIVERY_ID).stdout
    assert re.search(rf"^attempts +{times}$", shown, re.MULTILINE)
    assert [int(number) for number in re.findall(r"^attempt (\d+)$", shown, re.MULTILINE)] == list(
        range(first, times + 1)
    )
    assert "response  no?way\n" in shown
    assert '  "data": {\n    "é": 1\n' in shown
    assert api.asked == [f"GET hooks/7/deliveries/{DELIVERY_ID}"]


def test_numbers_of_a_payload_are_shown_with_their_digits(api, run):
    data = f"[{','.join(NUMBERS)}]"
    one = replace(attempted(1), payload=f'{{"data":{data}}}')
    for options in ([], ["--json"]):
        api.will_answer(200, Response(200, whole_delivery_to_v2(one)).to_gateway()["body"].encode())
        shown = run("delivery", "show", "--hook", "7", DELIVERY_ID, *options).stdout
        _, _, after = shown.partition('"data": ')
        assert "".join(after.split()).startswith(data)


def test_where_the_api_does_not_say_how_many_attempts_there_were_no_number_is_made_up(api, run):
    """A list does not, nor does an earlier release."""
    some, many = (delivery_to_v2(attempted(times)) for times in (39, 43))
    api.will_answer(200, {"data": [some, many], "next_cursor": None})
    _, *rows = run("delivery", "list", "7").stdout.splitlines()
    assert ["40 or more" in row for row in rows] == [False, True]
    earlier = whole_delivery_to_v2(attempted(43))
    del earlier["attempt_count"]
    api.will_answer(200, earlier)
    shown = run("delivery", "show", "--hook", "7", DELIVERY_ID).stdout
    assert re.search(r"^attempts +40 or more$", shown, re.MULTILINE)
    assert len(re.findall(r"^attempt$", shown, re.MULTILINE)) == 40


def test_a_delivery_is_looked_for_among_the_clients_hooks(api, run):
    for command in ("show", "redeliver"):
        before = len(api.asked)
        api.will_answer(200, [hook(6), hook(7)])
        api.will_answer(404, [{"status": 404, "message": "no such delivery"}])
        api.will_answer(200, whole_delivery_to_v2(attempted(1)))
        if command == "redeliver":
            api.will_answer(202, delivery_to_v2(attempted(1)))
        assert DELIVERY_ID in run("delivery", command, DELIVERY_ID).stdout
        assert api.asked[before + 1 : before + 3] == [
            f"GET hooks/{one}/deliveries/{DELIVERY_ID}" for one in (6, 7)
        ]
    assert api.asked[-1] == f"POST hooks/7/deliveries/{DELIVERY_ID}/redeliver"
    api.will_answer(200, [])
    nowhere = run("delivery", "show", DELIVERY_ID)
    assert nowhere.exit_code == 1
    assert f"no hook of this client in the store h1 has the delivery {DELIVERY_ID}" in nowhere.stderr


def test_deliveries_are_followed_and_each_is_printed_as_it_changes(api, run, monkeypatch):
    monkeypatch.setattr(delivery_module, "_FOLLOW_SECONDS", 0.01)
    first, second = delivery(1), delivery(2)
    pages = [[first], [first], [second, first], [second, first | {"status": "delivered"}]]
    for page in pages:
        api.will_answer(200, {"data": page, "next_cursor": None})
    api.on_request = lambda _: len(api.asked) == len(pages) and os.kill(os.getpid(), signal.SIGINT)
    shown = run("delivery", "list", "7", "--follow", "--json").stdout.splitlines()
    assert [(one["id"], one["status"]) for one in map(json.loads, shown)][:2] == [
        (first["id"], first["status"]),
        (second["id"], second["status"]),
    ]


def test_a_delivery_is_sent_again(api, run):
    api.will_answer(202, delivery(status="pending", attempts=[]))
    shown = run("delivery", "redeliver", "--hook", "7", DELIVERY_ID).stdout
    assert "status        pending" in shown
    assert api.asked == [f"POST hooks/7/deliveries/{DELIVERY_ID}/redeliver"]


# -------------------------------------------------------------------- recoveries


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(recover_module, "_POLL_SECONDS", 0.01)


def test_a_recovery_is_waited_for(api, run):
    api.will_answer(202, RECOVERY)
    api.will_answer(200, NONE)
    api.will_answer(200, RECOVERY | {"recovered": 50})
    api.will_answer(200, RECOVERY | {"recovered": 123, "state": "finished", "finished_at": RECOVERY["since"]})
    response = run(
        "recover", "7", "--since", "2026-11-24T01:00:00+01:00", "--until", "2026-11-24T01:00:00Z",
        "--status", "held", "--status", "cancelled",
    )  # fmt: skip
    assert response.exit_code == 0
    assert "recovered    123 of 123" in response.stdout
    retrying = "GET hooks/7/deliveries?status=retrying&limit=250"
    assert api.asked == ["POST hooks/7/recover", retrying, *["GET hooks/7/recoveries/rec_1"] * 2]
    assert json.loads(api.requests[0].body) == {
        "since": "2026-11-24T00:00:00+00:00",
        "until": "2026-11-24T01:00:00+00:00",
        "status": ["held", "cancelled"],
    }


def test_a_recovery_that_was_stopped_ends_with_status_1_and_the_reason(api, run):
    api.will_answer(200, RECOVERY | {"state": "stopped", "reason": "the hook is inactive"})
    response = run("recover", "7", "--id", "rec_1")
    assert response.exit_code == 1
    assert "the hook is inactive" in response.stderr
    assert api.asked == ["GET hooks/7/recoveries/rec_1"]


def test_a_recovery_need_not_be_waited_for(api, run):
    api.will_answer(202, RECOVERY | {"is_count_exact": False})
    api.will_answer(200, NONE)
    response = run("recover", "7", "--since", "2h", "--no-wait")
    assert "recovered  0 of at least 123" in response.stdout


@pytest.mark.parametrize(
    ("options", "said", "asked"),
    [
        ((), "1 is still retrying, next", []),
        (
            ("--now",),
            "1 that is retrying: the next attempt",
            [f"POST hooks/7/deliveries/{DELIVERY_ID}/redeliver"],
        ),
    ],
)
def test_what_is_still_retrying_is_told_and_sent_now_if_asked_for(api, run, options, said, asked):
    api.will_answer(202, RECOVERY)
    api.will_answer(200, {"data": [delivery_to_v2(attempted(1))], "next_cursor": None})
    if options:
        api.will_answer(202, delivery())
    response = run("recover", "7", "--since", "2h", "--no-wait", *options)
    assert said in response.stderr
    assert api.asked[2:] == asked


def test_stopping_to_wait_for_a_recovery_says_how_to_look_at_it(api, run):
    api.will_answer(202, RECOVERY)
    api.will_answer(200, NONE)
    api.will_answer(200, RECOVERY)
    api.on_request = lambda request: "recoveries" in request.path and os.kill(os.getpid(), signal.SIGINT)
    response = run("recover", "7", "--since", "2h")
    assert response.exit_code == 130
    assert "storehooks recover 7 --store-hash h1 --id rec_1\n" in response.stderr


# -------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("status", "body", "named"),
    [
        (400, [problem(400, "One\x1b.", field="scope"), problem(400, "Two.")], [("One?.",), ("Two.",)]),
        (401, [problem(401, "No.")], [("token", CREATE)]),
        (403, [problem(403, "There are 10 hooks.", field="scope")], [("There are 10 hooks.",)]),
        (403, [problem(403, "3 hooks.", quota="max_hooks_per_client")], [("3 hooks.",)]),
        (404, [problem(404, "No.")], [("hook 7", "store h1", "storehooks hook list --store-hash h1")]),
        (409, [problem(409, "There is one.", id=3)], [("There is one.",)]),
        (500, [problem(500, "The service failed.")], [("500", "The service failed.")]),
        (502, b"<html>", [("502", "URL")]),
        (200, b"<html>", [("200", "URL")]),
        (400, {"title": "?"}, [("400", "URL")]),
    ],
)  # fmt: skip
def test_what_the_api_refuses_is_one_line_for_each_problem(api, run, status, body, named):
    api.will_answer(status, body)
    response = run("hook", "get", "7")
    assert response.exit_code == 1
    lines = response.stderr.replace(api.url, "URL").splitlines()
    assert all(line.startswith("storehooks: ") for line in lines)
    for line, parts in zip(lines, named, strict=True):
        assert all(part in line for part in parts), line
    assert response.stdout == ""


def test_a_token_does_not_follow_a_redirect(api, run):
    api.will_answer(302, [], Location=f"{api.url}/elsewhere")
    response = run("hook", "get", "7")
    assert response.exit_code == 1
    assert "302" in response.stderr
    assert api.asked == ["GET hooks/7"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_api_is_asked_again_for_what_may_be_sent_twice(api, run, status):
    api.will_answer(status, [problem(status, "Busy.")], X_Retry_After="0")
    api.will_answer(200, hook())
    assert run("hook", "update", "7", "--active").exit_code == 0
    api.will_answer(status, [problem(status, "Busy.")], X_Retry_After="0")
    response = run("hook", "ping", "7")
    assert f"{status}: Busy." in response.stderr
    assert api.asked == ["PUT hooks/7", "PUT hooks/7", "POST hooks/7/ping"]


def test_an_api_that_is_not_there_is_told_in_one_line(run):
    response = run("hook", "list", "--url", "http://127.0.0.1:9")
    assert response.exit_code == 1
    (line,) = response.stderr.splitlines()
    assert "http://127.0.0.1:9" in line
    assert "Connection refused" in line


def test_without_a_token_a_url_is_not_enough(api):
    response = CliRunner(env={"STOREHOOKS_URL": api.url}).invoke(
        commands, ["hook", "list", "--store-hash", "h1"]
    )
    assert response.exit_code == 2
    assert response.stderr.startswith("storehooks: no token is given, which --url needs: ")
    assert "STOREHOOKS_TOKEN" in response.stderr
    assert api.requests == []


def test_a_token_that_lacks_an_oauth_scope_is_told_from_another_stores(api, run):
    refused = [problem(403, "Your access token does not allow this.")]
    api.will_answer(403, refused)
    api.will_answer(200, [], X_OAuth_Scopes="events, read")
    lacking = run("hook", "pause", "7")
    for _ in range(2):
        api.will_answer(403, refused)
    elsewhere = run("hook", "pause", "7")
    assert api.asked == ["PUT hooks/7", "GET hooks?limit=1"] * 2
    assert lacking.exit_code == elsewhere.exit_code == 1
    assert "of the store h1, but lacks the OAuth scope default; it has events and read" in lacking.stderr
    assert "of another store than h1, or has neither OAuth scope default nor read" in elsewhere.stderr
    assert all(f"a new one: {CREATE}\n" in one.stderr for one in (lacking, elsewhere))


# -------------------------------------------------------------------- figures


def stats(**fields):
    return {
        "data": {
            "attempts": 5,
            "delivered": 3,
            "failed": {"timeout": 1, "status": 1},
            "latency_ms": {"p50": 12.5, "p95": 10_000.4, "p99": 10_000.4},
            "waiting": 1,
            "held": 0,
            "oldest_waiting_at": "2026-11-24T02:24:24.434+00:00",
            "steps": [],
            "covers": {
                "since": "2026-11-24T00:00:00.000+00:00",
                "until": "2026-11-24T01:00:00.000+00:00",
                "deliveries": 4,
                "is_complete": True,
                "is_waiting_exact": True,
                "is_held_exact": False,
            },
        }
        | fields
    }


def test_figures_are_shown_a_line_each_and_steps_as_a_table(api, run):
    step = {
        "since": "2026-11-24T00:00:00+00:00",
        "deliveries": 4,
        "attempts": 5,
        "delivered": 3,
        "failed": {},
    }
    api.will_answer(200, stats(steps=[step, step | {"failed": {"dns": 2}}]))
    response = run("hook", "stats", "7", "--since", "2026-11-24T00:00:00Z", "--step", "30m")
    assert response.exit_code == 0
    assert api.asked == ["GET hooks/7/stats?since=2026-11-24T00%3A00%3A00%2B00%3A00&step=1800"]
    lines = [re.sub(r" {2,}", "  ", line) for line in response.stdout.splitlines()]
    assert "failed  2 (timeout 1, status 1)" in lines
    assert "latency  p50 12.5 ms, p95 10000.4 ms, p99 10000.4 ms" in lines
    assert "held now  0 or more" in lines
    heading, first, second = (line.split() for line in lines[-3:])
    assert heading == ["SINCE", "DELIVERIES", "DELIVERED", "ATTEMPTS", "FAILED"]
    assert first[2:] == ["4", "3", "5", "0"]
    assert second[2:] == ["4", "3", "5", "2", "(dns", "2)"]
    assert response.stderr == ""


def test_figures_without_parameters_ask_for_none_and_in_json_are_as_they_came(api, run):
    nothing = stats(latency_ms={"p50": None, "p95": None, "p99": None}, oldest_waiting_at=None, failed={})
    for _ in range(2):
        api.will_answer(200, nothing)
    assert json.loads(run("hook", "stats", "7", "--json").stdout) == nothing["data"]
    assert api.asked == ["GET hooks/7/stats"]
    assert "failed       0\n" in run("hook", "stats", "7").stdout


def test_figures_that_do_not_cover_all_say_from_when_on_they_do(api, run):
    covers = stats()["data"]["covers"] | {"is_complete": False}
    api.will_answer(200, stats(covers=covers))
    response = run("hook", "stats", "7")
    assert response.exit_code == 0
    assert "too much to count" in response.stderr


def test_a_step_that_is_no_duration_is_refused_before_anything_is_asked(api, run):
    response = run("hook", "stats", "7", "--step", "60")
    assert response.exit_code == 2
    assert "60" in response.stderr
    assert api.asked == []
