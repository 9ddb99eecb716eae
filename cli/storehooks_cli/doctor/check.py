"""A check and its result, and what becomes of one that AWS does not allow."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from storehooks.domain.errors import StorehooksError
from storehooks_cli.stack import Stack

_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation"}
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

    :param options: how a command names this stack, for advice.
    """

    def __init__(self, stack: Stack, options: str) -> None:
        self.stack = stack
        self.options = options
        self.is_local = stack.local_url is not None
        self._clients: dict[str, Any] = {}

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
    """Carry out a check. A failure of AWS in it is its result."""
    if subject.is_local and check.not_local is not None:
        return Result(check.name, not_checked(check.not_local))
    try:
        return Result(check.name, check.look(subject))
    except MissingResourceError as error:
        return Result(
            check.name,
            failed(
                f"the stack has no {error}",
                "deploy this version; if the stack has it already, somebody deleted the resource",
            ),
        )
    except (ClientError, BotoCoreError, StorehooksError) as error:
        return Result(check.name, _refused(error))


def _refused(error: Exception) -> Finding:
    """A missing right leaves a check undone; any other failure is a fault."""
    cause: BaseException | None = error
    while cause is not None:  # an adapter's own error has that of AWS as its cause
        if isinstance(cause, ClientError):
            return _refused_by_aws(cause)
        cause = cause.__cause__
    return failed(f"AWS failed: {error}", "try again")


def _refused_by_aws(error: ClientError) -> Finding:
    details = error.response.get("Error", {})
    if details.get("Code") not in _DENIED:
        return failed(
            f"AWS failed: {error}", "try again; if it stays so, look for the resource in the account"
        )
    named = re.search(r"perform: ([\w-]+:\w+)", details.get("Message", ""))
    right = named[1] if named else error.operation_name
    return not_checked(
        f"missing right: {right}", f"allow {right} to whoever runs the doctor, and run it again"
    )
