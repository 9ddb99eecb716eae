"""What the functions that match and deliver write as metrics.

tests/flows/test_metrics.py has what is counted while deliveries are made.
"""

import json

from storehooks.domain.errors import QueueFailedError
from storehooks.flows.meter import Count
from tests import emf
from tests.integration.conftest import load_event


def test_events_are_counted_when_they_are_matched_and_what_is_no_event_is_not(functions, counted):
    parts = functions.parts("match_events")
    message = {"good": load_event("match_events")["Records"][0]["body"], "bad": "{}"}
    assert counted(parts.meter, lambda: parts.matcher.match(message)) == {"EventsMatched": 1}


def test_an_event_is_counted_once_though_it_comes_again_and_is_published_again(
    client, functions, counted, monkeypatch
):
    parts = functions.parts("match_events")
    envelope = json.loads(load_event("match_events")["Records"][0]["body"])
    envelope["detail"] |= {"store_hash": client.store_hash, "id": "given"}
    client.create(scope="store/*", is_active=True)

    def match(**changes):
        return parts.matcher.match({"message": json.dumps(envelope | changes)})

    def refuse(messages):
        raise QueueFailedError("InternalError", frozenset(range(len(messages))))

    with monkeypatch.context() as patched:
        patched.setattr(parts.deliveries_queue, "send", refuse)
        assert counted(parts.meter, match) == {"CallsFailed": 1}
    assert counted(parts.meter, match) == {"EventsMatched": 1}
    assert counted(parts.meter, lambda: match(id="another publication")) == {}


def test_each_queue_function_writes_its_metrics_as_it_ends(aws, functions, capsys):
    functions.handler("match_events")(load_event("match_events"), None)
    assert "EventsMatched" in emf.metrics(capsys.readouterr().out, "storehooks")
    functions.parts("deliver").meter.count(Count.HELD)
    functions.handler("deliver")(load_event("deliver"), None)
    assert emf.metrics(capsys.readouterr().out, "storehooks") == {"Held": [1]}
