"""What `make deploy` checks first: ``python -m storehooks_cli.predeploy STACK_NAME [NAME=VALUE ...]``.

The length of the stack's name, whether a first deployment of that name has failed, and the account's
concurrent Lambda executions against the parameters. What the caller may not read is not checked, and
that is printed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from storehooks_cli.concurrency import MIN_UNRESERVED, NAMES, Parameters, fitting
from storehooks_cli.output import fail, say
from storehooks_cli.stack import CREATION_FAILED, described
from storehooks_cli.template import max_stack_name_length, read_template


def predeploy(
    stack_name: str,
    parameters: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE")] = None,
    force: Annotated[bool, typer.Option("--force", help="Deploy parameters that do not fit.")] = False,
) -> None:
    """Check what a deployment needs, and end with status 1 if it should not begin."""
    longest = max_stack_name_length()
    if len(stack_name) > longest:
        fail(
            f"the stack name {stack_name} has {len(stack_name)} characters; at most {longest} are accepted,"
            " since functions are named after the stack and their names have at most 64"
        )
    given = dict(parameter.partition("=")[::2] for parameter in parameters or [])
    defaults = {name: str(one.get("Default")) for name, one in read_template()["Parameters"].items()}
    for name in given.keys() - defaults.keys():
        say(f"the template has no parameter {name}; SAM ignores it")

    with _or_not_checked("whether a first deployment failed"):
        defaults |= _previous(stack_name)
    with _or_not_checked("whether the account has enough concurrent executions"):
        _check_concurrency(_unreserved(), _bounds(defaults | given), force=force)


@contextmanager
def _or_not_checked(what: str) -> Iterator[None]:
    """Print what is not checked when AWS cannot be asked, or does not allow it."""
    try:
        yield
    except NoRegionError:
        say(f"NOT CHECKED {what}: no region is given; set AWS_DEFAULT_REGION")
    except (BotoCoreError, ClientError) as error:
        say(f"NOT CHECKED {what}: {error}")


def _previous(stack_name: str) -> dict[str, str]:
    """The parameters of the stack that is updated; SAM keeps those that are not given."""
    stack = described(boto3.client("cloudformation"), stack_name)
    if stack is None:
        return {}
    if stack["StackStatus"] in CREATION_FAILED:
        fail(
            f"the first deployment of {stack_name} failed ({stack['StackStatus']}), and CloudFormation"
            " cannot update it; delete what it left, then deploy again:"
            f" .venv/bin/storehooks stack remove-failed --stack-name {stack_name}"
        )
    if stack["StackStatus"] == "DELETE_FAILED":
        fail(
            f"the deletion of {stack_name} stopped halfway (DELETE_FAILED), and CloudFormation cannot update"
            f" it; try again: aws cloudformation delete-stack --stack-name {stack_name}; if its first"
            f" deployment failed: .venv/bin/storehooks stack remove-failed --stack-name {stack_name}"
        )
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}


def _bounds(values: Mapping[str, str]) -> Parameters:
    try:
        return Parameters.of(values)
    except ValueError as error:
        fail(f"{', '.join(NAMES)}: {error}; accepted: numbers")


def _unreserved() -> int:
    """The concurrent executions that functions without reserved ones share, in the account and region."""
    limit = boto3.client("lambda").get_account_settings()["AccountLimit"]
    return limit["UnreservedConcurrentExecutions"]


def _check_concurrency(unreserved: int, wanted: Parameters, *, force: bool) -> None:
    if wanted.needed <= unreserved:
        return
    found = (
        f"with MaximumConcurrency={wanted.maximum_concurrency} and ThrottlingBurstLimit={wanted.burst}"
        f" the stack may use {wanted.needed} concurrent Lambda executions, {wanted.needed - unreserved} more"
        f" than the {unreserved} that the account has unreserved in this region, for all its functions"
    )
    if force:
        say(f"{found}; deploying anyway (FORCE=1); Lambda throttles what exceeds them")
        return
    fits = fitting(unreserved, wanted)
    fail(
        found,
        f"no values fit fewer than {MIN_UNRESERVED}; ask AWS for a higher quota first"
        if fits is None
        else f"these fit: {fits}; or ask AWS for a higher quota first",
        "FORCE=1 deploys anyway: while Lambda throttles, messages wait and the API responds with 500",
    )


if __name__ == "__main__":
    typer.run(predeploy)
