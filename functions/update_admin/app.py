"""PUT /stores/{store_hash}/v3/hooks/admin"""

from storehooks.api.admin_input import AdminChanges
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    notification_emails = parts.notification_emails

    @operation
    def update_admin(request: Request) -> Response:
        """Set the caller's notification emails."""
        caller = request.caller(DEFAULT_OAUTH_SCOPE)
        changes = AdminChanges.parse(request.json_object())
        notification_emails.put(caller.store_hash, caller.client_id, changes.emails)
        return Response(204)

    return update_admin


handler = lambda_handler(build)
