"""The destination that `storehooks listen` is, over HTTP."""

import json
import time

import pytest
import requests
import typer

from storehooks.domain.signature import signature_headers
from storehooks_cli.api_client import Api, ApiError
from storehooks_cli.client_secret import library_secret
from storehooks_cli.local_hook import _create, _is_ours, _responds
from storehooks_cli.output import json_text
from storehooks_cli.receiver import Intake, Receiver
from storehooks_cli.served_hook import gets_deliveries, serve_again
from tests.integration import receivers
from tests.integration.scripted_api import scripted_api
from tests.numbers_in_json import NUMBERS

SECRET = "5" * 64
BODY = b'{"scope": "store/order/created",  "data": {"id": "\xc3\xbc\\u001b"}}'


def receiver(forward=None):
    receiver = Receiver(0, forward)
    receiver.start(SECRET)
    return receiver


def post(to, body=BODY, secret=SECRET, now=None, **headers):
    signed = signature_headers("msg_1", body, secrets=[secret], now=now or time.time())
    return requests.post(to.url, body, headers=signed | headers, timeout=10)


def test_a_delivery_is_verified_answered_and_told_in_a_line():
    with receiver() as destination:
        assert post(destination).status_code == 204
        assert post(destination).status_code == 204
        first, second = (next(destination.deliveries()) for _ in range(2))
    assert "  signature valid  msg_1  store/order/created  " in first.line
    assert first.line.endswith('{"id": "ü\\u001b"}  response 204')
    assert "msg_1 (for the 2. time)" in second.line
    assert {"id": "msg_1", "times_received": 2, "is_signature_valid": True, "answered": 204}.items() <= (
        second.as_json.items()
    )
    assert second.as_json["payload"] == json.loads(BODY)


def test_numbers_are_told_with_their_digits():
    data = f"[{', '.join(NUMBERS)}]"
    with receiver() as destination:
        post(destination, f'{{"scope":"store/order/created","data":{data}}}'.encode())
        post(destination, b'{"scope":"store/order/created","data":NaN}')
        delivery, of_no_json = (next(destination.deliveries()) for _ in range(2))
    assert f"  {data}  response 204" in delivery.line
    assert f'"data": {data}}}' in json_text(delivery.as_json)
    assert "no event" in of_no_json.line


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"secret": "6" * 64}, "No matching signature found"),
        ({"now": 1}, "Message timestamp too old"),
        ({"webhook-signature": "v1"}, "not enough values"),
        ({"webhook-id": ""}, "Missing required headers"),
    ],
)
def test_what_is_not_signed_is_refused_plainly_and_not_forwarded(wrong, told):
    with scripted_api() as app, receiver(app.url) as destination:
        assert post(destination, **wrong).status_code == 401
        delivery = next(destination.deliveries())
        assert app.requests == []
    assert f"SIGNATURE NOT VALID ({told}" in delivery.line
    assert delivery.as_json["is_signature_valid"] is False
    assert delivery.as_json["was_forwarded"] is False


def test_a_delivery_is_forwarded_as_it_is_and_the_answer_is_the_apps():
    with scripted_api() as app, receiver(f"{app.url}/path?x=1") as destination:
        app.will_answer(503, b"later" * 1000, Retry_After="7", Content_Type="text/x", Set_Cookie="a=b")
        response = post(destination, **{"X-Key": "mine", "User-Agent": "storehooks/1"})
        delivery = next(destination.deliveries())
    assert (response.status_code, response.content) == (503, (b"later" * 1000)[:1024])
    assert response.headers["Retry-After"] == "7"
    assert "Set-Cookie" not in response.headers
    (forwarded,) = app.requests
    assert (forwarded.method, forwarded.path, forwarded.body) == ("POST", "/path?x=1", BODY)
    assert forwarded.headers["X-Key"] == "mine"
    assert forwarded.headers["User-Agent"] == "storehooks/1"
    assert forwarded.headers["webhook-id"] == "msg_1"
    assert forwarded.headers["webhook-signature"].startswith("v1,")
    assert "  forwarded, response 503 in " in delivery.line


def test_an_app_that_is_not_there_is_told_and_the_delivery_will_be_tried_again():
    with receiver("http://127.0.0.1:9/") as destination:
        assert post(destination).status_code == 502
        delivery = next(destination.deliveries())
    assert "not forwarded: " in delivery.line
    assert "Connection refused; response 502" in delivery.line


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nbroken",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nbroken",
        b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\nbroken",
    ],
)
def test_the_status_of_an_app_decides_although_its_body_breaks_off(response):
    """As for the sender; else the app would get again what it has accepted."""
    with receivers.Receiver(receivers.answering_once(response), None) as app:
        delivery, response_to_it = Intake(None, app.url()).take(BODY, {})
    assert (delivery.failure, response_to_it.status) == (None, 201)


def test_whether_a_run_is_alive_is_asked_at_its_hooks_destination():
    with receiver() as destination:
        url = destination.url
        assert _is_ours(url)
        assert _responds(url)
        assert not _responds(f"{url}0")
        assert requests.post(f"{url}0", timeout=10).status_code == 404
    assert not _responds(url)
    assert not _is_ours("http://127.0.0.1:80/hook")


def test_a_port_that_is_taken_is_told(capsys):
    with receiver() as destination, pytest.raises(typer.Exit):
        Receiver(destination.server_port, None)
    assert "--port" in capsys.readouterr().err


def test_a_stack_that_admits_public_destinations_alone_is_told(capsys):
    with scripted_api() as api:
        api.will_answer(400, [{"status": 400, "message": "No.", "details": {"field": "destination"}}])
        with pytest.raises(typer.Exit):
            _create(Api(api.url, "h1", "t0ken"), {"scope": "store/*", "destination": "http://127.0.0.1:1/x"})
    assert "ALLOW_PRIVATE_DESTINATIONS=true" in capsys.readouterr().err


@pytest.mark.parametrize("secret", [SECRET, library_secret(SECRET)])
def test_the_secret_may_be_given_as_it_is_and_as_libraries_take_it(secret):
    headers = signature_headers("msg_1", BODY, secrets=[SECRET], now=time.time())
    received, _ = Intake(secret, None).take(BODY, headers)
    assert "signature valid" in received.line


def test_the_whole_payload_is_indented_below_the_line():
    received, _ = Intake(None, None).take(BODY, {})
    assert received.payload_text.splitlines() == [
        "    {",
        '      "scope": "store/order/created",',
        '      "data": {',
        '        "id": "ü\\u001b"',
        "      }",
        "    }",
    ]


def test_a_part_of_a_line_has_the_colour_of_what_it_says():
    valid, _ = Intake(None, None).take(BODY, {})
    refused, _ = Intake(SECRET, None).take(BODY, {})
    assert [colour for _, colour in valid.parts] == [None, "yellow", None, None, None, "green"]
    assert [colour for _, colour in refused.parts] == [None, "red", None, None, None, "red"]


def test_an_idle_receiver_calls_back_and_goes_on(monkeypatch):
    monkeypatch.setattr("storehooks_cli.receiver._IDLE_SECONDS", 0)
    with receiver() as destination:
        called = []

        def while_idle():
            called.append(True)
            post(destination)

        assert next(destination.deliveries(while_idle)).id == "msg_1"
    assert called


NEW = {"scope": "store/*", "destination": "http://127.0.0.1:1/x", "is_active": True}
FAILED = {"deactivated_at": "2020-01-01T00:00:00+00:00", "deactivation_reason": "responded 410"}

RECOVER = "storehooks recover 4 --store-hash h1 --local --client-id c --since 1h"


@pytest.mark.parametrize(
    ("hook", "changes", "said"),
    [
        ({"is_active": True, "is_paused": True}, {"is_paused": False}, "paused; it is resumed"),
        ({"is_active": False}, {"is_active": True}, "made inactive; it is active again"),
        (
            {"is_active": False} | FAILED,
            {"is_active": True},
            f"deactivated: responded 410; it is active again, and what is held is sent by: {RECOVER}\n",
        ),
    ],
)
def test_a_hook_that_gets_nothing_is_said_with_the_reason_and_gets_deliveries_again(
    capsys, hook, changes, said
):
    with scripted_api() as scripted:
        for _ in range(3):
            scripted.will_answer(200, hook | {"id": 4})
        api = Api(scripted.url, "h1", "t0ken", ["--store-hash", "h1", "--local", "--client-id", "c"])
        assert not gets_deliveries(api, 4)
        assert serve_again(api, 4, NEW) == 4
        assert scripted.asked == ["GET hooks/4", "GET hooks/4", "PUT hooks/4"]
        assert json.loads(scripted.requests[-1].body) == changes
    assert f"hook 4 was {said}" in capsys.readouterr().err


def test_a_hook_that_was_removed_is_created_again(capsys):
    with scripted_api() as scripted:
        for status, body in ((404, []), (404, []), (201, {"id": 5})):
            scripted.will_answer(status, body)
        api = Api(scripted.url, "h1", "t0ken")
        assert not gets_deliveries(api, 4)
        assert serve_again(api, 4, NEW) == 5
        assert json.loads(scripted.requests[-1].body) == NEW
    assert "hook 4 was removed, and hook 5 takes its place" in capsys.readouterr().err


@pytest.mark.parametrize("found", [True, False])
def test_a_hook_that_was_created_by_a_request_without_a_response_is_found(found):
    with scripted_api() as scripted:
        scripted.will_answer(404, [])
        scripted.will_answer(409, [{"status": 409, "message": "There is such a hook."}])
        scripted.will_answer(
            200, [NEW | {"id": 5, "scope": "store/cart/*"}, *([NEW | {"id": 6}] if found else [])]
        )
        api = Api(scripted.url, "h1", "t0ken")
        if found:
            assert serve_again(api, 4, NEW) == 6
        else:
            with pytest.raises(ApiError, match="There is such a hook"):
                serve_again(api, 4, NEW)


def test_a_hook_that_gets_deliveries_is_left_as_it_is(capsys):
    with scripted_api() as scripted:
        for _ in range(2):
            scripted.will_answer(200, {"id": 4, "is_active": True})
        api = Api(scripted.url, "h1", "t0ken")
        assert gets_deliveries(api, 4)
        assert serve_again(api, 4, NEW) == 4
        assert scripted.asked == ["GET hooks/4"] * 2
    assert capsys.readouterr().err == ""
