"""Many lines of the log in one write."""

import io
import json
import logging

import pytest
from aws_lambda_powertools import Logger

from storehooks.flows.log_lines import info_lines


class Stream(io.StringIO):
    """Keeps what was written, and how often."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)

    def read_lines(self) -> list[dict]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def stream():
    return Stream()


@pytest.fixture
def logger(stream, monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988;Sampled=1")
    logger = Logger(service="test_log_lines", stream=stream, utc=True)
    logger.registered_handler.stream = stream
    logger.append_keys(request_id="request-1")
    yield logger
    logger.setLevel(logging.INFO)


def test_each_line_is_as_the_logger_writes_it_but_for_place_and_service_and_all_are_one_write(logger, stream):
    keys = {"attempt": 1, "status": 200, "error": None, "latency_ms": 12.5, "event_id": 'Grüße "x"\r\n\x1b'}
    info_lines(logger, "attempt", [keys, keys | {"attempt": 2}])
    assert stream.writes == 1
    logger.info("attempt", **keys)
    first, second, of_logger = stream.read_lines()
    assert second == first | {"attempt": 2}
    for line in (first, of_logger):
        assert line.pop("timestamp").endswith("+0000")
    assert of_logger.keys() - first.keys() == {"location", "service"}
    assert first == {name: of_logger[name] for name in first}
    assert first["request_id"] == "request-1"
    assert first["xray_trace_id"] == "1-5759e988"


def test_of_nothing_nothing_is_written(logger, stream):
    info_lines(logger, "attempt", [])
    assert stream.getvalue() == ""


def test_a_level_above_it_leaves_it_out(logger, stream):
    logger.setLevel(logging.WARNING)
    info_lines(logger, "attempt", [{"attempt": 1}])
    assert stream.getvalue() == ""


def test_what_cannot_be_written_stops_nothing(logger, monkeypatch):
    failed: list[logging.LogRecord] = []
    monkeypatch.setattr(logger.registered_handler, "stream", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    monkeypatch.setattr(logger.registered_handler, "handleError", failed.append)
    info_lines(logger, "attempt", [{"event_id": "\ud800"}])
    assert [record.getMessage() for record in failed] == ["attempt"]
