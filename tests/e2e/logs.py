"""All that a stack has logged, and what must not be in it."""

import hashlib
import re
from collections.abc import Iterator

HEX64 = re.compile(r"\b[0-9a-f]{64}\b")
_MAX_LINES = 10_000


def everything_logged(stack) -> str:
    """The logs of all functions, and the files of the local stack."""
    files = [path.read_text(errors="replace") for path in sorted(stack.data_dir.glob("logs/*"))]
    return "\n".join([*_lines(stack.run.aws("logs")), *files])


def _lines(logs) -> Iterator[str]:
    for group in logs.describe_log_groups()["logGroups"]:
        since = 0
        while True:
            response = logs.filter_log_events(logGroupName=group["logGroupName"], startTime=since)
            yield from (event["message"] for event in response["events"])
            if len(response["events"]) < _MAX_LINES:
                break
            since = response["events"][-1]["timestamp"]


def secrets_in(logged: str, stack) -> list[str]:
    """What is secret and stands there: clients' secrets, hooks' headers, tokens, the local AWS's key."""
    outputs = stack.run.outputs
    dynamodb = stack.run.aws("dynamodb")

    def scan(table: str) -> Iterator[dict]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=outputs[table]):
            yield from page["Items"]

    found = [
        item[name]["S"]
        for item in scan("ClientsTable")
        for name in ("client_secret", "previous_secret")
        if name in item and item[name]["S"] in logged
    ]
    found += [
        value["S"]
        for item in scan("HooksTable")
        for value in item.get("headers", {"M": {}})["M"].values()
        if len(value["S"]) >= 8 and value["S"] in logged
    ]
    found += [key for key in [stack.run.endpoint.access_key_id] if key in logged]
    tokens = {item["token_sha256"]["S"] for item in scan("TokensTable")}
    found += [text for text in set(HEX64.findall(logged)) if _sha256(text) in tokens]
    return found


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
