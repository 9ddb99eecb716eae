"""A hook of `storehooks listen` that gets nothing any more: say why, and have it get deliveries again."""

from http.client import CONFLICT, NOT_FOUND
from typing import TYPE_CHECKING, Any

from storehooks_cli.connection import hook_named
from storehooks_cli.options import to_type
from storehooks_cli.output import say

if TYPE_CHECKING:
    from storehooks_cli.api_client import Api


def serve_again(api: "Api", hook_id: int, new_hook: dict[str, Any]) -> int:
    """Activate, resume or create the hook of a run, whichever it needs.

    :return: its id, a new one if it was removed.
    :param new_hook: the body that creates it.
    :raises storehooks_cli.api_client.ApiError:
    :raises storehooks_cli.api_client.ApiUnreachableError:
    """
    hook = _find(api, hook_id)
    if hook is None:
        new_id = _create(api, new_hook)
        say(f"hook {hook_id} was removed, and hook {new_id} takes its place; what came meanwhile is missed")
        return new_id
    changes: dict[str, bool] = {}
    said = []
    if not hook["is_active"]:
        changes["is_active"] = True
        said.append(_why_inactive(api, hook))
    if hook.get("is_paused"):
        changes["is_paused"] = False
        said.append(f"hook {hook_id} was paused; it is resumed, and what was held is sent")
    if changes:
        api.put(f"hooks/{hook_id}", hook_named(hook_id), changes)
    for one in said:
        say(one)
    return hook_id


def gets_deliveries(api: "Api", hook_id: int) -> bool:
    """Whether a hook is there, active and not paused. Raises as :func:`serve_again` does."""
    hook = _find(api, hook_id)
    return hook is not None and hook["is_active"] and not hook.get("is_paused")


def _create(api: "Api", new_hook: dict[str, Any]) -> int:
    """Create the hook of a run, or find the one of a request whose response was lost."""
    from storehooks_cli.api_client import ApiError

    try:
        return int(api.post("hooks", "", new_hook)["id"])
    except ApiError as error:
        if error.status == CONFLICT:
            for hook in api.hooks():
                if all(hook.get(name) == value for name, value in new_hook.items()):
                    return int(hook["id"])
        raise


def _find(api: "Api", hook_id: int) -> dict[str, Any] | None:
    from storehooks_cli.api_client import ApiError

    try:
        hook: dict[str, Any] = api.get(f"hooks/{hook_id}", hook_named(hook_id))
    except ApiError as error:
        if error.status != NOT_FOUND:
            raise
        return None
    return hook


def _why_inactive(api: "Api", hook: dict[str, Any]) -> str:
    """Why a hook is inactive, and what has come of the deliveries that came meanwhile."""
    if "deactivated_at" not in hook:
        return f"hook {hook['id']} was made inactive; it is active again, and what came meanwhile is missed"
    recover = to_type("recover", hook["id"], *api.words, "--since", "1h")
    return (
        f"hook {hook['id']} was deactivated: {hook['deactivation_reason']};"
        f" it is active again, and what is held is sent by: {recover}"
    )
