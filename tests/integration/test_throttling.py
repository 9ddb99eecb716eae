"""An account whose concurrency is used up: Lambda throttles the queues' functions for an hour."""

import pytest

from storehooks.domain.delivery import Status
from tests.integration.aws_platform import MAX_RECEIVES, Platform
from tests.message_heap import VISIBILITY_SECONDS
from tests.template_file import resources

HOUR_SECONDS = 60 * 60
MINUTE_SECONDS = 60


@pytest.fixture
def platform(aws, monkeypatch):
    return Platform(aws, monkeypatch, "60")


def test_an_hour_of_throttling_makes_no_dead_letters(platform):
    platform.hook()
    platform.is_throttled = True
    for _ in range(12):
        platform.event()
        platform.pass_time(HOUR_SECONDS / 12)
    assert platform.sent == []
    platform.is_throttled = False
    platform.pass_time(2 * VISIBILITY_SECONDS)  # the events queue, then the deliveries queue
    assert list(platform.statuses.values()) == [Status.DELIVERED] * 12
    assert len(platform.sent) == 12
    assert platform.dead == []


def test_an_attempt_that_was_taken_from_the_queue_outlasts_an_hour_of_throttling_too(platform):
    """Its receives before count as well: a first attempt, a retry and what comes in the hour."""
    platform.hook()
    platform.response = lambda _request: (500, None) if len(platform.sent) == 1 else (200, None)
    platform.event()
    platform.pass_time(1)
    platform.is_throttled = True
    platform.pass_time(HOUR_SECONDS)
    platform.is_throttled = False
    platform.pass_time(VISIBILITY_SECONDS)
    assert list(platform.statuses.values()) == [Status.DELIVERED]
    assert platform.dead == []


def test_a_poison_message_is_a_dead_letter_within_little_more_than_an_hour(platform):
    platform.queues["DeliveriesQueue"].put("no task")
    platform.pass_time(HOUR_SECONDS)
    assert platform.dead == []
    platform.pass_time(10 * MINUTE_SECONDS)
    assert platform.dead == ["no task"]


@pytest.mark.parametrize(
    "name", [name for name, queue in resources("AWS::SQS::Queue").items() if "RedrivePolicy" in queue]
)
def test_each_queue_with_a_function_keeps_a_message_for_an_hour_of_receives(name):
    queue = resources("AWS::SQS::Queue")[name]
    assert (queue["VisibilityTimeout"], queue["RedrivePolicy"]["maxReceiveCount"]) == (
        VISIBILITY_SECONDS,
        MAX_RECEIVES,
    )
    assert HOUR_SECONDS <= VISIBILITY_SECONDS * MAX_RECEIVES <= 1.1 * HOUR_SECONDS
    (function,) = [
        function
        for function in resources("AWS::Serverless::Function").values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS" and event["Properties"]["Queue"] == {"Fn::GetAtt": [name, "Arn"]}
    ]
    # A message that comes again while its function still runs is done twice at once.
    assert 3 * function["Timeout"] <= VISIBILITY_SECONDS
