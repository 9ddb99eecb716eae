"""What a stack costs by the month: computed from the template, bounded, and published as it is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from benchmarks import bill
from benchmarks.cost import MAX_IDLE, MAX_IDLE_WITHOUT_DASHBOARD, by_the_month
from benchmarks.prices import PRICE

from storehooks.flows.meter import NAMESPACE, Count, Duration
from tests.template_file import deployed, resources, template

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DEPLOYING = (ROOT / "docs" / "deploying.md").read_text()


def total(cost: dict[str, float]) -> float:
    return sum(cost.values())


def test_an_idle_month_stays_within_its_bounds():
    assert total(bill.idle_month()) <= MAX_IDLE == 6.50
    without = bill.idle_month(HasDashboard="false")
    assert total(without) <= MAX_IDLE_WITHOUT_DASHBOARD == 3.50
    assert "Dashboard" not in without


def test_no_idle_month_is_without_what_polls_and_sweeps():
    assert bill.idle_month().keys() == {"Alarms", "Dashboard", "DynamoDB", "KMS", "Lambda", "Logs", "SQS"}


def test_only_what_is_deployed_is_counted():
    """Alarms of e-mails are there only with a sender."""
    with_email = {name for name, one in deployed(EmailSender="a@store.example").items() if is_alarm(one)}
    without = {name for name, one in deployed().items() if is_alarm(one)}
    assert with_email - without == {"EmailsDeadLettersAlarm"}
    more = bill.idle_month(EmailSender="a@store.example")["Alarms"] - bill.idle_month()["Alarms"]
    # One metric of its own, and one more in each of the alarms of errors and throttles.
    assert more == pytest.approx(3 * PRICE["alarm_metric_month"])


def is_alarm(resource: dict[str, Any]) -> bool:
    return bool(resource["Type"] == "AWS::CloudWatch::Alarm")


@pytest.mark.parametrize(
    ("name", "metrics"), [("RetryDueAlarm", 1), ("DeliveryLagAlarm", 1), ("DeliveryFailuresAlarm", 2)]
)
def test_an_alarm_costs_by_the_metrics_it_looks_at_and_not_by_its_expression(name, metrics):
    assert bill.alarm_metrics(deployed()[name]["Properties"]) == metrics


def test_no_alarm_is_of_high_resolution_which_costs_three_times_as_much():
    periods = re.findall(r'"Period": (\d+)', json.dumps(resources("AWS::CloudWatch::Alarm")))
    assert len(periods) >= len(resources("AWS::CloudWatch::Alarm"))
    assert min(map(int, periods)) >= 60


def with_resource(monkeypatch: pytest.MonkeyPatch, kind: str, **properties: Any) -> None:
    added = deployed() | {"Added": {"Type": kind, "Properties": properties}}
    monkeypatch.setattr(bill, "deployed", lambda **_: added)


def test_what_is_added_to_the_template_counts(monkeypatch):
    before = total(bill.idle_month())
    with_resource(monkeypatch, "AWS::KMS::Key")
    assert total(bill.idle_month()) == pytest.approx(before + 1)


def test_a_kind_of_resource_has_to_have_a_price_to_be_added(monkeypatch):
    with_resource(monkeypatch, "AWS::EC2::NatGateway")
    with pytest.raises(ValueError, match="AWS::EC2::NatGateway"):
        bill.idle_month()


def test_a_schedule_has_to_have_a_price_to_be_added(monkeypatch):
    hourly = {"Type": "Schedule", "Properties": {"Schedule": "rate(1 hour)"}}
    with_resource(monkeypatch, "AWS::Serverless::Function", Events={"EachHour": hourly})
    with pytest.raises(ValueError, match="Schedule"):
        bill.idle_month()


def test_nothing_is_deployed_that_is_paid_for_by_the_hour():
    """What types alone do not show: tables are on demand, and functions and the API keep nothing warm."""
    for table in resources("AWS::DynamoDB::Table").values():
        assert table["BillingMode"] == "PAY_PER_REQUEST"
    shared = template()["Globals"]["Function"]
    for function in (shared, *resources("AWS::Serverless::Function").values()):
        assert not function.keys() & {"ProvisionedConcurrencyConfig", "SnapStart", "EphemeralStorage"}
        for event in function.get("Events", {}).values():
            assert "ProvisionedPollerConfig" not in event["Properties"]
    (api,) = resources("AWS::Serverless::Api").values()
    assert not api.keys() & {"CacheClusterEnabled", "CacheClusterSize", "AccessLogSetting"}


def test_the_stage_writes_no_metrics_by_method_and_no_logs():
    """Five metrics for each method would be some $31 a month; stage metrics need no setting and are free."""
    for settings in resources("AWS::Serverless::Api")["Api"]["MethodSettings"]:
        assert settings.keys() == {
            "ResourcePath",
            "HttpMethod",
            "ThrottlingRateLimit",
            "ThrottlingBurstLimit",
        }


def test_every_metric_that_the_functions_write_is_read_by_an_alarm_or_by_the_dashboard():
    alarms = json.dumps(resources("AWS::CloudWatch::Alarm"))
    in_alarms = re.findall(rf'"Namespace": "{NAMESPACE}", "MetricName": "(\w+)"', alarms)
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    in_graphs = re.findall(rf'\["{NAMESPACE}", "(\w+)"', dashboard["DashboardBody"]["Fn::Sub"][0])
    assert {*in_alarms, *in_graphs} == {*Count, *Duration}
    assert in_alarms


def test_in_constant_use_each_metric_is_paid_for_the_whole_month():
    cost = bill.constant_use_month()
    assert cost["Custom metrics"] == pytest.approx(0.30 * len([*Count, *Duration]))
    assert cost["Alarms"] == bill.idle_month()["Alarms"]


def test_the_results_have_the_month_as_the_template_comes_to_it():
    """`make bench MODULES=cost` publishes it anew."""
    published = json.loads((ROOT / "benchmarks/results.json").read_text())["measures"]
    by_name = {measure["name"]: measure for measure in published}
    for measure in by_the_month():
        assert by_name[measure.name] == {"module": "cost", **measure.as_json()}


def test_the_page_of_deploying_has_the_month_as_the_template_comes_to_it():
    (text,) = re.findall(r"An idle month costs(.*?)(?:\n\n|\Z)", DEPLOYING, re.DOTALL)
    named = [float(price) for price in re.findall(r"\$(\d+\.\d\d)", text)]
    expected = [
        total(bill.idle_month()),
        total(bill.idle_month(HasDashboard="false")),
        bill.idle_month(EmailSender="a@store.example")["Alarms"] - bill.idle_month()["Alarms"],
        bill.constant_use_month()["Custom metrics"],
    ]
    assert named == [round(price, 2) for price in expected]


def test_the_lines_of_the_bill_are_those_of_the_template():
    _, _, text = DEPLOYING.partition("## The bill by line\n")
    lines = [float(price) for price in re.findall(r"^\| .* \| (\d+\.\d\d) \|$", text, re.MULTILINE)]
    assert lines == sorted((round(price, 2) for price in bill.idle_month().values()), reverse=True)


def test_the_readme_has_the_costs_of_a_month_and_of_a_million():
    published = json.loads((ROOT / "benchmarks/results.json").read_text())["measures"]
    (million,) = [
        measure["value"]
        for measure in published
        if measure["name"] == "Cost per million deliveries, 0 % failing, by HTTP in hundreds"
    ]
    idle, without_dashboard = (total(bill.idle_month(HasDashboard=has)) for has in ("true", "false"))
    named = re.findall(r"cost(?:s\*\*|\*\*) \$(\d+\.\d\d)(?:, or \$(\d+\.\d\d))?", README)
    assert named == [(f"{idle:.2f}", f"{without_dashboard:.2f}"), (f"{million:.2f}", "")]
