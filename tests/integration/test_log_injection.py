"""Whatever a client, a publisher or a destination says, a step is one line of the log, and JSON."""

import io
import json

import pytest
from aws_lambda_powertools import Logger

from storehooks.api import operation
from storehooks.flows import deliver, match, outcome
from tests.integration.conftest import load_event
from tests.world import World

# What ends a line, starts another one, moves a terminal's cursor, or ends a JSON string.
HOSTILE = 'x\r\n{"level":"ERROR","message":"forged"}\x00\x1b[2J\x7f"\\\t'


@pytest.fixture
def lines(functions):
    """All that is logged, checked and read when asked for."""
    written = io.StringIO()
    loggers = (Logger(), operation.logger, deliver.logger, match.logger, outcome.logger)
    for logger in loggers:
        logger.clear_state()  # of what another function has left in this process
    handlers = {id(logger.registered_handler): logger.registered_handler for logger in loggers}
    before = [(handler, handler.setStream(written)) for handler in handlers.values()]

    def read() -> list[dict]:
        found = written.getvalue().removesuffix("\n").split("\n")
        for line in found:
            assert not any(char < " " for char in line), line
        return [json.loads(line) for line in found]

    yield read
    for handler, stream in before:
        handler.setStream(stream)


@pytest.mark.parametrize(
    "name", ["create_hook", "get_hook", "update_hook", "list_hooks", "list_deliveries", "get_delivery"]
)
def test_a_request_is_one_line_whatever_it_holds(functions, lines, name):
    event = load_event(name)
    event["pathParameters"] |= {"id": HOSTILE, "delivery_id": HOSTILE}
    event["queryStringParameters"] = dict.fromkeys(["page", "limit", "status", "cursor"], HOSTILE)
    event["headers"] |= {"User-Agent": HOSTILE, HOSTILE: HOSTILE}
    event["requestContext"]["requestId"] = HOSTILE
    event["body"] = json.dumps({HOSTILE: HOSTILE, "scope": HOSTILE, "destination": HOSTILE, "headers": 1})
    status, _ = functions.invoke(name, event)
    assert 400 <= status < 500
    (line,) = lines()
    assert (line["level"], line["status"], line["request_id"]) == ("INFO", status, HOSTILE)


def test_an_event_that_is_none_is_one_line(functions, lines):
    record = load_event("match_events")["Records"][0]
    envelope = json.loads(record["body"]) | {
        "detail-type": HOSTILE,
        "id": HOSTILE,
        "detail": {HOSTILE: HOSTILE},
    }
    record |= {"body": json.dumps(envelope), "messageId": HOSTILE}
    functions.handler("match_events")({"Records": [record]}, None)
    assert [line["message_id"] for line in lines() if "message_id" in line] == [HOSTILE]


def test_an_answer_of_a_destination_is_no_line_of_its_own(aws, lines):
    """Its status and a summary are logged, its text never is."""
    world = World(aws)
    world.response = lambda _request: (500, HOSTILE)
    world.event(world.hook())
    world.work()
    assert [line["status"] for line in lines() if "attempt" in line] == [500]
    assert not any("forged" in json.dumps(line) for line in lines())
