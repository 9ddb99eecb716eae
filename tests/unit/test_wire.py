"""What keeps requests that are made up on this machine: tests/fuzz/wire.py."""

import json

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.fuzz.wire import LeadsElsewhereError, watch

SERVER = "http://127.0.0.1:3000"
RECEIVER = "http://127.0.0.1:8000"


@pytest.fixture
def sent(monkeypatch):
    """The addresses that requests went to, of which each would be answered 201."""
    sent = []

    def send(adapter, request, *args, **options):
        sent.append(request.url)
        response = requests.Response()
        response.status_code = 201
        return response

    monkeypatch.setattr(HTTPAdapter, "send", send)
    return sent


@pytest.mark.parametrize(
    "destination",
    [
        "https://app.example.com/orders",
        "http://127.0.0.1:8001/",
        "http://127.0.0.1/",
        "http://127.0.0.1.example.com:8000/",
        "HTTPS://127.0.0.1:8000/",
        "http://bücher.example/",
        "http://[2606:4700::1111]/",
        "http://8.8.8.8/",
    ],
)
@pytest.mark.parametrize("sending", ["json", "data"])
def test_a_destination_of_another_than_the_receiver_is_not_sent(sent, destination, sending):
    watch(SERVER, RECEIVER)
    body = {"scope": "store/*", "destination": destination}
    arguments = {"json": body} if sending == "json" else {"data": json.dumps(body).encode()}
    with pytest.raises(LeadsElsewhereError):
        requests.post(f"{SERVER}/stores/a/v2/hooks", timeout=1, **arguments)
    assert sent == []


def test_no_other_server_is_asked(sent):
    watch(SERVER, RECEIVER)
    with pytest.raises(LeadsElsewhereError):
        requests.get("https://app.example.com/", timeout=1)
    assert sent == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"destination": 1}',
        b'{"destination": "no URL"}',
        b'{"destination": "%s/a"}' % RECEIVER.encode(),
    ],
)
def test_what_is_refused_or_leads_to_the_receiver_is_sent_and_its_answer_counted(sent, body):
    responded = watch(SERVER, RECEIVER)
    requests.post(f"{SERVER}/stores/a/v2/hooks", data=body, timeout=1)
    assert sent == [f"{SERVER}/stores/a/v2/hooks"]
    assert responded == {201: 1}
