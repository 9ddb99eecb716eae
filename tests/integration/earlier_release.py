"""What a release does that keeps no lists of clients' hooks: before an upgrade, and during a rollback."""

from storehooks.adapters.hook_ids import counter_key
from storehooks.adapters.hooks_table import HooksTable, hook_key
from storehooks.domain.hook import Hook
from storehooks.domain.identity import Caller


class EarlierHooksTable(HooksTable):
    """Creates and deletes hooks as that release does."""

    def create(self, caller: Caller, *, scope: str, destination: str, **fields) -> Hook:
        return self.put(self.take_id(caller, scope=scope, destination=destination, **fields))

    def take_id(self, caller: Caller, **fields) -> Hook:
        """The first of the two calls of a create."""
        counter = self._dynamodb.update_item(
            TableName=self._table,
            Key=counter_key(caller.store_hash),
            UpdateExpression="ADD last_id :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        now = int(self._clock())
        return Hook(
            id=int(counter["Attributes"]["last_id"]["N"]),
            store_hash=caller.store_hash,
            client_id=caller.client_id,
            created_at=now,
            updated_at=now,
            **{"headers": None, "is_active": False} | fields,
        )

    def put(self, hook: Hook) -> Hook:
        """The second."""
        return self._transact(hook, [self._put(hook, over=None), self._guard_adding(hook)])

    def delete(self, caller: Caller, hook_id: int) -> Hook:
        hook = self.get(caller, hook_id)
        delete = {"Delete": {"TableName": self._table, "Key": hook_key(hook.store_hash, hook.id)}}
        return self._transact(hook, [delete, self._guard_removing(hook)])


def forget_lists(aws) -> None:
    """Have the hooks as that release would have left them."""
    with aws.uncounted():
        for item in aws.scan("HooksTable"):
            key = {name: item[name] for name in ("store_hash", "id")}
            if item["store_hash"]["S"].startswith("hooks#"):
                aws.dynamodb.delete_item(TableName="HooksTable", Key=key)
            elif "last_id" in item:
                aws.dynamodb.put_item(TableName="HooksTable", Item=key | {"last_id": item["last_id"]})
