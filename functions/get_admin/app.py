"""GET /stores/{store_hash}/v3/hooks/admin"""

from storehooks.api.hook_output import seen_by
from storehooks.api.operation import operation
from storehooks.api.query import MAX_PAGE_SIZE
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v3 import admin_to_v3, pagination
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import READ_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, notification_emails = parts.hooks, parts.notification_emails

    @operation
    def get_admin(request: Request) -> Response:
        """Return the caller's notification emails, and a page of its hooks with their status."""
        caller = request.caller(READ_OAUTH_SCOPE)
        wanted = request.hooks_wanted(v3_page_size=MAX_PAGE_SIZE)
        found = hooks.page(
            caller,
            skip=wanted.page.skip,
            limit=wanted.page.size,
            only=wanted.only,
            is_counted=wanted.is_counted,
        )
        emails = notification_emails.get(caller.store_hash, caller.client_id)
        meta = pagination(wanted.page, total=found.total or 0, count=len(found.hooks))
        seen = [seen_by(caller, hook) for hook in found.hooks]
        return Response(200, admin_to_v3(emails, seen, meta))

    return get_admin


handler = lambda_handler(build)
