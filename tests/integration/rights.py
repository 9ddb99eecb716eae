"""The rights that calls to AWS need, and those that template.yaml grants.

moto knows no rights of functions. Here a function's call is refused that its role does not grant,
as AWS would refuse it: in every test that invokes a function by its handler.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from tests.template_file import logical_id, resources

RIGHTS_OF_CALLS = {
    "SendMessageBatch": "sqs:SendMessage",
    "ReceiveMessage": "sqs:ReceiveMessage",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "PutEvents": "events:PutEvents",
    "SendEmail": "ses:SendEmail",
}


def rights_of(aws, operation: str, kwargs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The IAM actions that a call needs, each with the logical name of its resource."""
    if operation == "TransactWriteItems":  # it needs the rights of its writes
        for write in kwargs["TransactItems"]:
            ((kind, item),) = write.items()
            yield f"dynamodb:{kind}Item", item["TableName"]
    elif "RequestItems" in kwargs:
        yield from ((f"dynamodb:{operation}", table) for table in kwargs["RequestItems"])
    elif "QueueUrl" in kwargs:
        queues = {url: name for name, url in aws.queues.items()}
        yield RIGHTS_OF_CALLS[operation], queues[kwargs["QueueUrl"]]
    elif "Entries" in kwargs:
        yield from ((RIGHTS_OF_CALLS[operation], entry["EventBusName"]) for entry in kwargs["Entries"])
    elif "FromEmailAddress" in kwargs:
        # Where the sender has a default configuration set, and the account is in the sandbox.
        yield from ((RIGHTS_OF_CALLS[operation], kind) for kind in ("identity/*", "configuration-set/*"))
    else:
        index = f"/index/{kwargs['IndexName']}" if "IndexName" in kwargs else ""
        yield f"dynamodb:{operation}", kwargs["TableName"] + index


@cache
def granted(name: str) -> frozenset[tuple[str, str]]:
    """What a function's role grants it, but for its log and its traces. Its name is that of a logical id."""
    (policy,) = resources("AWS::IAM::Role")[f"{name}Role"]["Policies"]
    return frozenset(
        (action, resource)
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        if not action.startswith(("logs:", "xray:"))
        for resource in named(statement["Resource"])
    )


def named(resource: Any) -> list[str]:
    """The logical names of what a statement is about, with the index where it is one."""
    if isinstance(resource, list):
        return [name for one in resource for name in named(one)]
    if "Fn::GetAtt" in resource:
        return [resource["Fn::GetAtt"][0]]
    of_ses = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"
    if resource["Fn::Sub"].startswith(of_ses):
        return [resource["Fn::Sub"].removeprefix(of_ses)]
    return [resource["Fn::Sub"].replace("${", "").replace(".Arn}", "")]


def of_the_mapping(queue: str) -> set[tuple[str, str]]:
    """What Lambda itself needs to read a queue, with the function's role."""
    return {(f"sqs:{action}", queue) for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}


class Roles:
    """The roles that calls are made with now: those of the functions that run, in whichever threads."""

    def __init__(self) -> None:
        self._running: list[str] = []

    def assumed(self, folder: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """A handler that runs with the rights of its function."""
        name = logical_id(folder).removesuffix("Function")

        def with_its_rights(*given: Any) -> Any:
            self._running.append(name)
            try:
                return handler(*given)
            finally:
                self._running.remove(name)

        return with_its_rights

    def refuse(self, aws, operation: str, kwargs: dict[str, Any]) -> None:
        """Refuse a call that no role grants. With no function running, it is the test's own."""
        if not self._running:
            return
        missing = set(rights_of(aws, operation, kwargs)).difference(*map(granted, self._running))
        if missing:
            aws.refused.append((tuple(self._running), missing))
            error = {"Code": "AccessDeniedException", "Message": f"{self._running} may not {missing}"}
            raise ClientError({"Error": error}, operation)


ROLES = Roles()
