"""A check and its result, and what becomes of one that AWS does not allow."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from storehooks.domain.errors import TransientError
from storehooks_cli.options import to_type
from storehooks_cli.stack import Stack

_UNNAMED = "AuthorizationError"
"""This one of SNS need not name the action."""
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", _UNNAMED, "NotAuthorized", "UnauthorizedOperation"}
)


class Status(StrEnum):
    """What a check came to."""

    OK = "ok"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it; ``advice`` is empty if nothing is to be done."""

    status: Status
    found: str
    advice: str = ""


def ok(found: str, advice: str = "") -> Finding:
    """What was looked at is as it should be."""
    return Finding(Status.OK, found, advice)


def failed(found: str, advice: str) -> Finding:
    """What was looked at is not as it should be."""
    return Finding(Status.FAILED, found, advice)


def not_checked(found: str, advice: str = "") -> Finding:
    """It could not be looked at; ``found`` says why."""
    return Finding(Status.NOT_CHECKED, found, advice)


class MissingResourceError(Exception):
    """The stack has no such resource."""


class Subject:
    """The stack that is examined, as far as several checks need it.

    Each property that calls AWS may raise :class:`ClientError` and :class:`BotoCoreError`.

    :param words: the options that name this stack, for advice.
    """

    def __init__(self, stack: Stack, words: Sequence[str]) -> None:
        self.stack = stack
        self._words = words
        self.is_local = stack.local_url is not None
        self._clients: dict[str, Any] = {}

    def to_type(self, *words: str) -> str:
        """A command on this stack, as a person types it."""
        return to_type(*words, *self._words)

    def client(self, service: str) -> Any:
        """A client of an AWS service, for the stack's account and region."""
        if service not in self._clients:
            self._clients[service] = self.stack.client(service)
        return self._clients[service]

    @cached_property
    def _resources(self) -> Mapping[str, tuple[str, str]]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            one["LogicalResourceId"]: (one["ResourceType"], one.get("PhysicalResourceId", ""))
            for page in pages.paginate(StackName=self.stack.name)
            for one in page["StackResourceSummaries"]
        }

    def resource(self, logical_id: str) -> str:
        """The physical id of one resource.

        :raises MissingResourceError:
        """
        try:
            return self._resources[logical_id][1]
        except KeyError:
            raise MissingResourceError(logical_id) from None

    def resources(self, kind: str) -> dict[str, str]:
        """The physical ids of all resources of one type, by logical id.

        :raises MissingResourceError: when the stack has none of the type.
        """
        found = {name: physical for name, (type_, physical) in self._resources.items() if type_ == kind}
        if not found:
            raise MissingResourceError(kind)
        return dict(sorted(found.items()))

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The configuration of each function, by its operation's name."""
        names = self.resources("AWS::Lambda::Function").values()
        functions = self.client("lambda")
        return {
            name.removeprefix(f"{self.stack.name}-"): functions.get_function_configuration(FunctionName=name)
            for name in names
        }


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at.

    ``not_local`` is why the local AWS cannot show it; None if it can.
    """

    name: str
    look: Callable[[Subject], Finding]
    not_local: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A check that is over."""

    name: str
    finding: Finding

    @property
    def as_json(self) -> dict[str, str]:
        """For programs."""
        finding = self.finding
        return {
            "name": self.name,
            "status": finding.status.value,
            "found": finding.found,
            "advice": finding.advice,
        }


def examine(check: Check, subject: Subject) -> Result:
    """Carry out a check. Whatever fails in it is its result, so that the other checks go on."""
    if subject.is_local and check.not_local is not None:
        return Result(check.name, not_checked(check.not_local))
    try:
        return Result(check.name, check.look(subject))
    except Exception as error:  # noqa: BLE001 - a fault of one check must not cost the results of the others
        return Result(check.name, finding_of(error))


def finding_of(error: Exception) -> Finding:
    """What a failure means: a missing right leaves a check undone, anything else is a fault."""
    if isinstance(error, MissingResourceError):
        return failed(
            f"the stack has no {error}",
            "deploy this version; if the stack has it already, somebody deleted the resource",
        )
    if isinstance(error, typer.Exit):  # of storehooks_cli.output.fail
        return failed(
            "the check ended itself: standard error says why", "do what it says; the other checks stand"
        )
    if right := missing_right(error):
        return not_checked(
            f"missing right: {right}", f"allow {right} to whoever runs the doctor, and run it again"
        )
    if refused := _of_aws(error):
        found = f"AWS failed: {refused}"
        if _is_of_the_key(refused):
            return failed(
                found,
                "the tables' key cannot be used: docs/runbook.md#callsfailedalarm says how to enable it",
            )
        return failed(found, "try again; if it stays so, look for the resource in the account")
    if isinstance(error, BotoCoreError | TransientError):
        return failed(f"AWS failed: {error}", "try again")
    return failed(
        f"the check itself failed: {type(error).__name__}: {error}",
        "report it, with the versions; the other checks stand",
    )


def missing_right(error: Exception) -> str | None:
    """The action that AWS does not allow to the caller; None if it failed for another reason.

    The code alone does not say it: DynamoDB has the same one for a key that is disabled.
    """
    refused = _of_aws(error)
    if refused is None:
        return None
    details = refused.response.get("Error", {})
    named = re.search(r"perform: ([\w-]+:\w+)", details.get("Message", ""))
    if named and details.get("Code") in _DENIED:
        return named[1]
    return refused.operation_name if details.get("Code") == _UNNAMED else None


def _of_aws(error: Exception) -> ClientError | None:
    """The response of AWS that an error comes from."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ClientError):
        cause = cause.__cause__  # of an adapter's own error
    return cause


def _is_of_the_key(refused: ClientError) -> bool:
    details = refused.response.get("Error", {})
    return "KMS" in f"{details.get('Code')} {details.get('Message')}"
