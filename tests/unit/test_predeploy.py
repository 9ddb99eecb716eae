"""What `make deploy` checks before it deploys."""

import re

import pytest
import typer
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from storehooks_cli.predeploy import predeploy
from storehooks_cli.stack import CREATION_FAILED
from storehooks_cli.template import max_stack_name_length

FITTING = "MaximumConcurrency=2 ThrottlingBurstLimit=4 ThrottlingRateLimit=4"


class Account:
    """AWS as the check sees it."""

    def __init__(self) -> None:
        self.unreserved = 10
        self.status: str | None = None
        self.parameters: dict[str, str] = {}
        self.denied: set[str] = set()

    def call(self, _client, operation, arguments):
        if operation in self.denied:
            error = {"Code": "AccessDenied", "Message": f"not authorized to perform: {operation}"}
            raise ClientError({"Error": error}, operation)
        if operation == "GetAccountSettings":
            return {"AccountLimit": {"UnreservedConcurrentExecutions": self.unreserved}}
        assert operation == "DescribeStacks"
        if self.status is None:
            error = {
                "Code": "ValidationError",
                "Message": f"Stack with id {arguments['StackName']} does not exist",
            }
            raise ClientError({"Error": error}, operation)
        parameters = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()
        ]
        return {"Stacks": [{"StackStatus": self.status, "Parameters": parameters}]}


@pytest.fixture
def account(monkeypatch):
    account = Account()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "operator")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *given: account.call(*given))  # noqa: PLW0108 - a method would not be given the client
    return account


def check(*arguments):
    """The exit status of the check and what it printed."""
    app = typer.Typer()
    app.command()(predeploy)
    response = CliRunner().invoke(app, ["storehooks", *arguments])
    return response.exit_code, response.stderr


def test_parameters_that_do_not_fit_end_it_with_the_number_and_values_that_fit(account):
    status, printed = check()
    assert status == 1
    assert "may use 242 concurrent Lambda executions, 232 more than the 10" in printed
    assert f"these fit: {FITTING}" in printed
    assert "FORCE=1 deploys anyway" in printed


def test_the_values_that_it_names_pass(account):
    assert check(*FITTING.split()) == (0, "")


def test_with_force_it_goes_on_and_still_prints_by_how_much(account):
    status, printed = check("--force")
    assert status == 0
    assert "232 more than the 10" in printed


def test_no_values_are_named_where_none_fit(account):
    account.unreserved = 6
    status, printed = check()
    assert status == 1
    assert "no values fit fewer than 7; ask AWS for a higher quota first" in printed


def test_the_defaults_pass_where_they_fit(account):
    account.unreserved = 242
    assert check() == (0, "")


def test_values_that_a_stack_has_are_kept_by_an_update_and_those_given_replace_them(account):
    account.status = "UPDATE_COMPLETE"
    account.parameters = dict(one.split("=") for one in FITTING.split())
    assert check() == (0, "")
    status, printed = check("MaximumConcurrency=3")
    assert status == 1
    assert "may use 12 concurrent" in printed


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("DescribeStacks", "whether a first deployment failed"),
        ("GetAccountSettings", "whether the account has enough concurrent executions"),
    ],
)
def test_without_a_right_only_what_needs_it_is_not_checked(account, operation, what):
    account.denied = {operation}
    status, printed = check(*FITTING.split())
    assert status == 0
    assert re.fullmatch(rf"storehooks: NOT CHECKED {what}: .*{operation}\n", printed)


def test_without_the_right_to_read_the_stack_the_defaults_are_held_against_the_account(account):
    account.denied = {"DescribeStacks"}
    status, printed = check()
    assert status == 1
    assert "may use 242 concurrent" in printed


def test_without_a_region_it_goes_on_and_prints_what_it_did_not_check(account, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    status, printed = check()
    assert status == 0
    assert printed.count("NOT CHECKED") == printed.count("set AWS_DEFAULT_REGION") == 2


@pytest.mark.parametrize("failed", sorted(CREATION_FAILED))
def test_a_first_deployment_that_failed_is_named_with_the_command_that_deletes_it(account, failed):
    account.status = failed
    status, printed = check("--force", *FITTING.split())
    assert status == 1
    assert f"({failed})" in printed
    assert ".venv/bin/storehooks stack remove-failed --stack-name storehooks" in printed


def test_a_deletion_that_stopped_halfway_is_named_with_the_commands_that_end_it(account):
    account.status = "DELETE_FAILED"
    status, printed = check("--force", *FITTING.split())
    assert status == 1
    assert "(DELETE_FAILED), and CloudFormation cannot update it" in printed
    assert "aws cloudformation delete-stack --stack-name storehooks" in printed
    assert ".venv/bin/storehooks stack remove-failed --stack-name storehooks" in printed


def test_a_name_that_is_too_long_is_refused_before_aws_is_asked(account):
    account.call = None
    app = typer.Typer()
    app.command()(predeploy)
    longest = max_stack_name_length()
    response = CliRunner().invoke(app, ["a" * (longest + 1), "--force"])
    assert response.exit_code == 1
    assert {str(longest + 1), str(longest)} <= set(re.findall(r"\d+", response.stderr))


def test_a_name_of_the_greatest_length_passes(account):
    app = typer.Typer()
    app.command()(predeploy)
    response = CliRunner().invoke(app, ["a" * max_stack_name_length(), *FITTING.split()])
    assert (response.exit_code, response.stderr) == (0, "")


def test_a_parameter_that_the_template_does_not_have_is_named(account):
    status, printed = check(*FITTING.split(), "MaximumConcurency=5")
    assert status == 0
    assert "no parameter MaximumConcurency; SAM ignores it" in printed


def test_a_parameter_that_is_no_number_is_refused(account):
    status, printed = check("MaximumConcurrency=many")
    assert status == 1
    assert "'many'; accepted: numbers" in printed
