"""What storehooks' operations are compared with: boto3 and the same calls, with nothing around them.

No check of the request, no rights, no errors, no log.
"""

import json
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")

KEY = {"store_hash": {"S": "5ueh97"}, "id": {"N": "1"}}
GUARD = {"store_hash": {"S": "guard#5ueh97#client#store/order/*"}, "id": {"N": "0"}}


def create_hook(event: dict[str, Any], _context: object) -> dict[str, Any]:
    hook = json.loads(event["body"])
    counter = dynamodb.update_item(
        TableName="hooks",
        Key={"store_hash": {"S": "5ueh97"}, "id": {"N": "0"}},
        UpdateExpression="ADD last_id :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    item = {**KEY, "id": counter["Attributes"]["last_id"], "destination": {"S": hook["destination"]}}
    dynamodb.transact_write_items(
        TransactItems=[
            {
                "Put": {
                    "TableName": "hooks",
                    "Item": item,
                    "ConditionExpression": "attribute_not_exists(id)",
                }
            },
            _guard("SET #digest = :one"),
        ]
    )
    return _answer(201, item)


def get_hook(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    return _answer(200, dynamodb.get_item(TableName="hooks", Key=KEY, ConsistentRead=True)["Item"])


def list_hooks(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    found = dynamodb.query(
        TableName="hooks",
        ConsistentRead=True,
        KeyConditionExpression="store_hash = :store AND id > :counter",
        ExpressionAttributeValues={":store": {"S": "5ueh97"}, ":counter": {"N": "0"}},
    )
    return _answer(200, found["Items"])


def update_hook(event: dict[str, Any], _context: object) -> dict[str, Any]:
    changes = json.loads(event["body"])
    item = dynamodb.get_item(TableName="hooks", Key=KEY, ConsistentRead=True)["Item"]
    item["is_active"] = {"BOOL": changes["is_active"]}
    dynamodb.put_item(
        TableName="hooks",
        Item=item,
        ConditionExpression="version = :version",
        ExpressionAttributeValues={":version": item["version"]},
    )
    return _answer(200, item)


def delete_hook(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    item = dynamodb.get_item(TableName="hooks", Key=KEY, ConsistentRead=True)["Item"]
    dynamodb.transact_write_items(
        TransactItems=[
            {
                "Delete": {
                    "TableName": "hooks",
                    "Key": KEY,
                    "ConditionExpression": "version = :version",
                    "ExpressionAttributeValues": {":version": item["version"]},
                }
            },
            _guard("REMOVE #digest"),
        ]
    )
    return _answer(200, item)


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
