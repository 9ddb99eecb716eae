"""Two stacks in one region, and two of one name in two regions, do not meet; the longest name that works."""

import re
from pathlib import Path
from typing import Any

import pytest

from storehooks_cli.template import max_stack_name_length
from tests.template_file import resources, template

ROOT = Path(__file__).parents[2]
# What ends in "Name" and names nothing of the stack's own: what people read, and a metric of AWS's.
NO_NAMES = {"DisplayName", "MetricName"}
# A host name of the operator's, and a part of the API's address.
OF_PARAMETERS = {("CustomDomain", "DomainName"): "DomainName", ("Api", "StageName"): "StageName"}
# Types whose names are one for an account over all its regions:
# - "All dashboards in your account are global, not region-specific.":
#   https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-dashboard.html
# - IAM's, which is a global service: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
#   A named one would need CAPABILITY_NAMED_IAM too.
GLOBAL = ("AWS::CloudWatch::Dashboard", "AWS::IAM::")
# Others with names that more than an account shares; a stack with one would need a rule of its own here.
SHARED = ("AWS::S3::", "AWS::CloudFront::", "AWS::Route53::", "AWS::GlobalAccelerator::")
LIMIT_OF_FUNCTIONS = 64
LIMITS = {
    "AWS::Serverless::Function": LIMIT_OF_FUNCTIONS,
    "AWS::Serverless::Api": 1024,
    "AWS::Logs::LogGroup": 512,
    "AWS::Events::EventBus": 256,
    "AWS::SNS::Topic": 256,
    "AWS::CloudWatch::Dashboard": 255,
}
MAX_REGION = "ap-southeast-1"


def names() -> dict[str, tuple[str, str]]:
    """The physical names that the template gives, by logical id, each with its resource's type."""
    found = {}
    for logical_id, resource in template()["Resources"].items():
        for key, value in resource["Properties"].items():
            if not re.search(r"(^|[a-z])Name$", key) or key in NO_NAMES:
                continue
            referred = value.get("Ref") if isinstance(value, dict) else None
            if referred in template()["Resources"] or OF_PARAMETERS.get((logical_id, key), "") == referred:
                continue
            assert logical_id not in found
            found[logical_id] = (resource["Type"], written(value))
    return found


def written(value: Any) -> str:
    """A name as `!Sub` has it."""
    if isinstance(value, dict):
        return value.get("Fn::Sub") or f"${{{value['Ref']}}}"
    return value


NAMES = names()


def test_names_are_found():
    assert {kind for kind, _ in NAMES.values()} == LIMITS.keys()
    assert len(NAMES) > 2 * len(resources("AWS::Serverless::Function"))


@pytest.mark.parametrize("logical_id", NAMES)
def test_every_name_has_the_stacks_and_one_of_the_whole_account_the_regions_too(logical_id):
    kind, name = NAMES[logical_id]
    needed_parts = ["${AWS::StackName}"] + ["${AWS::Region}"] * kind.startswith(GLOBAL)
    assert all(part in name for part in needed_parts)


@pytest.mark.parametrize("logical_id", NAMES)
def test_what_follows_the_stacks_name_has_no_hyphen_so_that_no_other_stacks_name_ends_so(logical_id):
    _, name = NAMES[logical_id]
    assert re.fullmatch(r"(/aws/lambda/)?\$\{AWS::StackName\}(-[a-z_]+|-\$\{AWS::Region\})?", name)


def test_no_type_is_used_whose_names_more_than_an_account_shares():
    kinds = {resource["Type"] for resource in template()["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith(SHARED)]


def test_what_the_dashboards_address_has_is_its_name():
    (address,) = template()["Outputs"]["DashboardUrl"]["Value"].values()
    assert address.endswith(f"#dashboards/dashboard/{NAMES['Dashboard'][1]}")


def test_nothing_is_exported_for_exports_are_one_namespace_of_a_region():
    assert not [name for name, output in template()["Outputs"].items() if "Export" in output]


# ---------------------------------------------------------------- the longest name


def length(name: str, stack_name: str) -> int:
    return len(name.replace("${AWS::StackName}", stack_name).replace("${AWS::Region}", MAX_REGION))


def test_a_stack_name_of_the_greatest_length_fits_every_name_and_a_longer_one_does_not():
    longest = max_stack_name_length()
    for kind, name in NAMES.values():
        assert length(name, "s" * longest) <= LIMITS[kind]
    assert max(length(name, "s" * (longest + 1)) for kind, name in NAMES.values() if "Function" in kind) == 65


def test_the_pages_say_the_greatest_length_of_a_stack_name():
    for name in ("limits.md", "operations.md"):
        page = ROOT / "docs" / name
        said = re.findall(r"stack's name[^.]*?\b(\d+)\s+characters", page.read_text())
        assert said == [str(max_stack_name_length())], name
