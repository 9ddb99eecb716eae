"""PUT /stores/{store_hash}/{v2,v3}/hooks/{id}"""

from storehooks.api.hook_input import HookChanges
from storehooks.api.hook_output import hook_response
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks = parts.hooks
    # The parts of a pause are loaded by the first request for one: most updates do not need them.
    parts.settings.check("deliveries_table", "delivery_retention_days", "deliveries_queue")
    allow_private = parts.settings.allow_private_destinations

    @operation
    def update_hook(request: Request) -> Response:
        """Change the given fields of a hook of the caller. The response is the whole hook.

        If it resumes, the header Location names the recovery of its held deliveries.
        """
        caller = request.caller(DEFAULT_OAUTH_SCOPE)
        hook_id = request.hook_id()
        changes = HookChanges.parse(request.json_object(), allow_private=allow_private).fields()
        recovery_id = None
        if "is_paused" in changes:
            hook, recovery_id = parts.pauses.update(caller, hook_id, changes)
        else:
            hook = hooks.update(caller, hook_id, changes)
        if hook.is_pulled and changes.get("is_active") is False:
            parts.pauses.cancel_waiting(hook)
        return hook_response(request.version, hook, recovery_id=recovery_id)

    return update_hook


handler = lambda_handler(build)
