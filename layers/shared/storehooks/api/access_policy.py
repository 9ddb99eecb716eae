"""A caller's rights, as a policy against which API Gateway checks each request.

The gateway caches the policy by token and checks every request's method and path against it, so one store's
token never reaches another store's functions.
"""

from typing import Any

from storehooks.domain.identity import (
    DEFAULT_OAUTH_SCOPE,
    EVENTS_OAUTH_SCOPE,
    READ_OAUTH_SCOPE,
    Caller,
    is_store_hash,
)

# In a policy `*` matches slashes too, so it is only at the end of a path.
# A slash at the end of a path leads to the same route, so it is allowed where there is no `*`.
_READS = (
    "GET/stores/{store_hash}/v2/hooks",
    "GET/stores/{store_hash}/v2/hooks/*",
    "GET/stores/{store_hash}/v3/hooks",
    "GET/stores/{store_hash}/v3/hooks/*",
)
_ROUTES = {
    READ_OAUTH_SCOPE: _READS,
    DEFAULT_OAUTH_SCOPE: (
        *_READS,
        "POST/stores/{store_hash}/v2/hooks",
        "POST/stores/{store_hash}/v2/hooks/*",
        "PUT/stores/{store_hash}/v2/hooks/*",
        "DELETE/stores/{store_hash}/v2/hooks/*",
        "POST/stores/{store_hash}/v3/hooks",
        "PUT/stores/{store_hash}/v3/hooks/*",
        "DELETE/stores/{store_hash}/v3/hooks/*",
        "POST/stores/{store_hash}/v2/events/explain",
    ),
    EVENTS_OAUTH_SCOPE: ("POST/stores/{store_hash}/v2/events",),
}
# All stores, and only the admin API: every path that these match begins like its routes.
_ADMIN_ROUTES = tuple(f"{method}/admin/v1/stores/*" for method in ("GET", "POST", "PUT", "DELETE"))


def access_policy(caller: Caller, method_arn: str) -> dict[str, Any]:
    """The authorizer's response for a caller: its policy, and its identity for the functions.

    :param method_arn: the ARN of the request's method; its API and stage are the policy's.
    """
    api_and_stage = "/".join(method_arn.split("/")[:2])
    routes = {route for scope in caller.oauth_scopes for route in _ROUTES.get(scope, ())}
    if caller.is_admin:
        effect, resources = "Allow", [f"{api_and_stage}/{route}" for route in _ADMIN_ROUTES]
    elif routes and is_store_hash(caller.store_hash):
        effect = "Allow"
        resources = [
            f"{api_and_stage}/{route.format(store_hash=caller.store_hash)}{end}"
            for route in sorted(routes)
            for end in ([""] if route.endswith("*") else ["", "/"])
        ]
    else:
        effect, resources = "Deny", [f"{api_and_stage}/*"]
    return {
        "principalId": caller.client_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resources}],
        },
        "context": {
            "store_hash": caller.store_hash,
            "client_id": caller.client_id,
            "oauth_scopes": " ".join(sorted(caller.oauth_scopes)),
        },
    }
