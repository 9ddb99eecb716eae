"""The rights that calls to AWS need, and those that template.yaml grants."""

from collections.abc import Iterator
from typing import Any

from tests.template_file import EMAIL_SENDER, resources

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
        yield RIGHTS_OF_CALLS[operation], kwargs["FromEmailAddress"]
    else:
        index = f"/index/{kwargs['IndexName']}" if "IndexName" in kwargs else ""
        yield f"dynamodb:{operation}", kwargs["TableName"] + index


def granted(logical_id: str) -> set[tuple[str, str]]:
    (policy,) = resources("AWS::IAM::Role")[f"{logical_id}Role"]["Policies"]
    *own, _logs, _traces = policy["PolicyDocument"]["Statement"]
    return {
        (action, resource)
        for statement in own
        for action in statement["Action"]
        for resource in named(statement["Resource"])
    }


def named(resource: Any) -> list[str]:
    """The logical names of what a statement is about, with the index where it is one."""
    if isinstance(resource, list):
        return [name for one in resource for name in named(one)]
    if "Fn::GetAtt" in resource:
        return [resource["Fn::GetAtt"][0]]
    if isinstance(resource["Fn::Sub"], list):  # the identity of an address in SES
        arn, _ = resource["Fn::Sub"]
        assert arn.endswith(":identity/${Identity}")
        return [EMAIL_SENDER]
    return [resource["Fn::Sub"].replace("${", "").replace(".Arn}", "")]


def of_the_mapping(queue: str) -> set[tuple[str, str]]:
    """What Lambda itself needs to read a queue, with the function's role."""
    return {(f"sqs:{action}", queue) for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
