"""Whether the hooks' table is whole, whatever was done to it."""

import time

from storehooks.adapters.hook_lists import HookLists
from storehooks.adapters.hooks_table import _digest_attribute
from storehooks.domain.hook import MAX_HOOKS_PER_SCOPE
from storehooks.domain.identity import Caller
from storehooks_cli.store_hooks import StoreHooks


def check_whole(aws) -> None:
    """Each hook is in its guard and its client's list, and nothing else is.

    No scope has too many, and no id is above the last one.
    """
    items = {(item["store_hash"]["S"], item["id"]["N"]): item for item in aws.scan("HooksTable")}
    with aws.uncounted():
        lists = HookLists("HooksTable", aws.dynamodb, time.time, sleep=lambda _: None)
        table = StoreHooks("HooksTable", dynamodb=aws.dynamodb)
        hooks = [hook for page in table.pages("5ueh97") for hook in page]
        last_id = table.last_id("5ueh97")
        callers = {Caller("5ueh97", hook.client_id, frozenset()) for hook in hooks}
        listed = [hook_id for caller in callers for hook_id in lists.ids(caller)]
    guarded = {
        (key[0], name, value["N"])
        for key, item in items.items()
        if key[0].startswith("guard#")
        for name, value in item.items()
        if name.startswith("d_")
    }
    assert guarded == {
        (f"guard#5ueh97#{hook.client_id}#{hook.scope}", _digest_attribute(hook), str(hook.id))
        for hook in hooks
    }
    assert all(hook.id <= last_id for hook in hooks)
    assert sorted(listed) == [hook.id for hook in hooks]
    numbers = [int(item["number"]["N"]) for (key, _), item in items.items() if key.startswith("guard#")]
    assert sum(numbers) == len(hooks)
    assert max(numbers, default=0) <= MAX_HOOKS_PER_SCOPE
