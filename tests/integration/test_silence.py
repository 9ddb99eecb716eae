"""No call to AWS fails in silence: for each there is an alarm, which docs/runbook.md names.

Each call of the functions that work in the background is refused for good, while things go on
happening. The metrics that come of it are put against the alarms of the template.
"""

import re
from pathlib import Path

import pytest

from tests.faults import NONE, PARTLY, Fault, refused
from tests.integration.aws_platform import Platform
from tests.integration.rights import granted, rights_of
from tests.integration.test_background_faults import (
    OF_LAMBDA,
    SCENES,
    retries_are_due_in_half_an_hour,
    what_was_delivered_is_logged_later,
)
from tests.template_file import logical_id

pytestmark = pytest.mark.toolchain  # a long search

# One call, which needs a right to each of two resources.
OF_SES = {"SES": "identity/*"}
SECOND_OF_SES = ("ses:SendEmail", "configuration-set/*")
RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
ROW = re.compile(
    r"^\| `(\w+)` \| `([\w:]+)` \| (\w+)(?:, index `(\w+)`)? \| \[(\w+)\]\(#\w+\) \| (.+) \|$", re.MULTILINE
)
# A destination's failures are published once in ten minutes.
TIMES = 9
APART_SECONDS = 300
# A message is a dead letter after 66 minutes.
HORIZON_SECONDS = 75 * 60


def rows() -> dict[tuple[str, str, str], str]:
    """The runbook's table: which alarm goes off for a function's call to a resource."""
    return {
        (function, action, f"{resource}/index/{index}" if index else OF_SES.get(resource, resource)): alarm
        for function, action, resource, index, alarm, _ in ROW.findall(RUNBOOK.read_text())
    }


def calls_of(function: str) -> set[tuple[str, str]]:
    """The rights that a function itself uses."""
    rights = granted(logical_id(function).removesuffix("Function"))
    own = {("sqs:ReceiveMessage", "DeliveriesQueue"), ("sqs:DeleteMessage", "DeliveriesQueue")}
    of_lambda = OF_LAMBDA[function] - (own if function == "deliver" else set())
    return set(rights - of_lambda - {SECOND_OF_SES})


class Refused:
    """A right that a function does not have any more."""

    def __init__(self, aws, function: str, right: tuple[str, str]) -> None:
        self.function = function
        self._aws = aws
        self._right = right

    def meet(self, _invocation, operation, given, call):
        if self._right in rights_of(self._aws, operation, given):
            raise refused("AccessDeniedException")
        return call(given)


def played(aws, monkeypatch, scene, fault) -> set[str]:
    """The alarms that go off when this happens a few times, and then time passes."""
    platform = Platform(aws, monkeypatch, "1800" if scene is retries_are_due_in_half_an_hour else "60")
    started = platform.clock.now
    with platform.watched(monkeypatch, fault):
        # The sweeps do the same each minute by themselves.
        for _ in range(1 if scene in SCENES["retry_due"] else TIMES):
            scene(platform)
            platform.pass_time(APART_SECONDS)
            platform.new_client()
        platform.pass_time(HORIZON_SECONDS)
    return platform.metrics.alarms(started, platform.clock.now)


def used_in(aws, monkeypatch, function: str, scene) -> set[tuple[str, str]]:
    """The rights that the function uses when this happens once."""
    fault = Fault(function, NONE, PARTLY)
    platform = Platform(aws, monkeypatch, "1800" if scene is retries_are_due_in_half_an_hour else "60")
    with platform.watched(monkeypatch, fault):
        scene(platform)
        platform.pass_time(APART_SECONDS)
    return {right for call in fault.made for right in rights_of(aws, *call)}


def scene_of(aws, monkeypatch, used, function: str, right: tuple[str, str]):
    """One in which the function makes this call."""
    for scene in SCENES[function]:
        if scene is what_was_delivered_is_logged_later:  # it wants to be alone
            continue
        if (function, scene) not in used:
            used[function, scene] = used_in(aws, monkeypatch, function, scene)
        if right in used[function, scene]:
            return scene
    raise AssertionError(f"in no scene {function} makes {right}")


@pytest.fixture(scope="module")
def used():
    """By function and scene, the rights that it uses there."""
    return {}


@pytest.fixture(scope="module")
def usual():
    """By scene, the alarms that go off though no call fails."""
    return {}


CALLS = [(function, *right) for function in SCENES for right in sorted(calls_of(function))]


@pytest.mark.parametrize(("function", "action", "resource"), CALLS)
def test_a_call_that_fails_for_good_sets_off_the_alarm_that_the_runbook_names(
    aws, monkeypatch, used, usual, function, action, resource
):
    right = (action, resource)
    scene = scene_of(aws, monkeypatch, used, function, right)
    if scene not in usual:
        usual[scene] = played(aws, monkeypatch, scene, Fault(function, NONE, PARTLY))
    alarms = played(aws, monkeypatch, scene, Refused(aws, function, right)) - usual[scene]
    assert rows().get((function, *right)) in alarms, (scene.__name__, alarms)


def test_the_runbook_s_table_has_each_call_once():
    assert set(rows()) == set(CALLS)
    assert len(ROW.findall(RUNBOOK.read_text())) == len(CALLS)
