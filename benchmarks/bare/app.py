"""What storehooks' functions are compared with: boto3 and the same calls, with nothing around them.

No check of the request, no rights, no errors, no log; what ``deliver`` sends is not signed.
"""

import json
from typing import Any

import boto3
import urllib3  # which boto3 brings

dynamodb: Any = boto3.client("dynamodb")
http = urllib3.PoolManager()

KEY = {"store_hash": {"S": "5ueh97"}, "id": {"N": "1"}}
COUNTER = {"store_hash": {"S": "5ueh97"}, "id": {"N": "0"}}
GUARD = {"store_hash": {"S": "guard#5ueh97#client#store/order/*"}, "id": {"N": "0"}}
LIST = {"store_hash": {"S": "hooks#5ueh97#40c672b9177b5d3a8dbfad24321be15d"}, "id": {"N": "0"}}


def create_hook(event: dict[str, Any], _context: object) -> dict[str, Any]:
    hook = json.loads(event["body"])
    counter = dynamodb.update_item(
        TableName="hooks",
        Key=COUNTER,
        UpdateExpression="ADD last_id :one, listed :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )
    item = {
        **KEY,
        "id": counter["Attributes"]["last_id"],
        "client_id": {"S": "40c672b9177b5d3a8dbfad24321be15d"},
        "scope": {"S": hook["scope"]},
        "destination": {"S": hook["destination"]},
        "headers": {"M": {name: {"S": value} for name, value in hook["headers"].items()}},
        "is_active": {"BOOL": hook["is_active"]},
        "created_at": {"N": "1795428000"},
        "updated_at": {"N": "1795428000"},
        "version": {"N": "1"},
        "subscription": {"S": f"5ueh97#{hook['scope']}"},
    }
    put = {"TableName": "hooks", "Item": item, "ConditionExpression": "attribute_not_exists(id)"}
    dynamodb.transact_write_items(TransactItems=[{"Put": put}, _list("ADD"), _guard("SET #digest = :one")])
    return _answer(201, item)


def get_hook(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    return _answer(200, dynamodb.get_item(TableName="hooks", Key=KEY, ConsistentRead=True)["Item"])


def list_hooks(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    (listed,) = _read([LIST, COUNTER])
    return _answer(200, _read([{**KEY, "id": {"N": hook_id}} for hook_id in listed["hook_ids"]["NS"]]))


def update_hook(event: dict[str, Any], _context: object) -> dict[str, Any]:
    changes = json.loads(event["body"])
    item = dynamodb.get_item(TableName="hooks", Key=KEY, ConsistentRead=True)["Item"]
    put = _over(item, Item={**item, "destination": {"S": changes["destination"]}})
    dynamodb.transact_write_items(TransactItems=[{"Put": put}, _guard("SET #digest = :one")])
    return _answer(200, put["Item"])


def delete_hook(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    item = dynamodb.get_item(TableName="hooks", Key=KEY, ConsistentRead=True)["Item"]
    delete = _over(item, Key=KEY)
    dynamodb.transact_write_items(
        TransactItems=[{"Delete": delete}, _list("DELETE"), _guard("REMOVE #digest")]
    )
    dynamodb.update_item(
        TableName="hooks",
        Key=COUNTER,
        UpdateExpression="ADD gone :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )
    return _answer(200, item)


def deliver(event: dict[str, Any], _context: object) -> dict[str, Any]:
    for record in event["Records"]:
        task = json.loads(record["body"])
        delivery = task["delivery"]
        key = {"hook": {"S": "5ueh97#1"}, "id": {"S": delivery["id"]}}
        client = {"store_hash": {"S": "5ueh97"}, "client_id": {"S": task["client_id"]}}
        found = dynamodb.batch_get_item(
            RequestItems={
                "hooks": {"Keys": [KEY], "ConsistentRead": True},
                "clients": {"Keys": [client], "ConsistentRead": True},
                "deliveries": {"Keys": [key], "ConsistentRead": True},
            }
        )
        (hook,) = found["Responses"]["hooks"]
        response = http.request("POST", hook["destination"]["S"], body=delivery["payload"])
        item = {**key, "payload": {"S": delivery["payload"]}, "status": {"N": str(response.status)}}
        dynamodb.batch_write_item(RequestItems={"deliveries": [{"PutRequest": {"Item": item}}]})
    return {"batchItemFailures": []}


def _read(keys: list[Any]) -> list[Any]:
    asked = {"hooks": {"Keys": keys, "ConsistentRead": True}}
    items: list[Any] = dynamodb.batch_get_item(RequestItems=asked)["Responses"]["hooks"]
    return items


def _over(item: dict[str, Any], **write: Any) -> dict[str, Any]:
    """A write over the item that was read."""
    return {
        "TableName": "hooks",
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": item["version"]},
        **write,
    }


def _list(action: str) -> Any:
    write: dict[str, Any] = {
        "TableName": "hooks",
        "Key": LIST,
        "UpdateExpression": f"{action} hook_ids :id",
        "ExpressionAttributeValues": {":id": {"NS": ["1"]}},
    }
    return {"Update": write}


def _guard(update: str) -> Any:
    write: dict[str, Any] = {
        "TableName": "hooks",
        "Key": GUARD,
        "UpdateExpression": update,
        "ExpressionAttributeNames": {"#digest": "d_0123456789abcdef"},
    }
    if ":one" in update:
        write["ExpressionAttributeValues"] = {":one": {"N": "1"}}
    return {"Update": write}


def _answer(status: int, body: object) -> dict[str, Any]:
    return {"statusCode": status, "body": json.dumps(body)}
