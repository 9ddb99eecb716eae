"""The whole document."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from storehooks import __version__
from storehooks.api.errors import error_response
from storehooks.api.version import Version
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE, READ_OAUTH_SCOPE
from storehooks_cli.local.gateway_responses import read_gateway_responses
from storehooks_cli.openapi import examples
from storehooks_cli.openapi.operations import OPERATIONS, PATH, Answer, Operation
from storehooks_cli.openapi.schemas import Schema, component_schemas, ref
from storehooks_cli.template import read_template

_JSON = "application/json"
_HEAD = "# Made by `make openapi` of template.yaml, the models and the errors. Change those, not this.\n"
_RETRY_AFTER = {429, 503}

_STATUSES = {
    400: "A field, the body or a query parameter is invalid; nothing was done.",
    401: "`X-Auth-Token` is missing, unknown, expired or revoked.",
    403: "The token belongs to another store, lacks the OAuth scope, or a limit is reached.",
    404: "The client has no such resource, or the route does not exist.",
    409: "The request conflicts with what exists.",
    413: "The body is too large.",
    415: "The body is declared as something other than JSON, or has a Content-Encoding.",
    422: "A field of a well-formed body is invalid; nothing was done.",
    429: "Too many requests at once.",
    500: "The service failed.",
    502: "The service failed.",
    503: "AWS failed. After a write, check whether it took effect.",
    504: "The service did not respond in time.",
}
_SOME_ROUTES = {409, 422}
_WITH_TOKEN = {401, 503}  # what needs a token reads or writes something


class UndescribedRouteError(Exception):
    """A route of the template without a description, or the other way round."""


@dataclass(frozen=True, slots=True)
class _Route:
    """A route as the template has it."""

    method: str
    path: str
    function: str
    summary: str

    @property
    def version(self) -> Version:
        return Version.V3 if self.is_admin or "/v3/" in self.path else Version.V2

    @property
    def is_admin(self) -> bool:
        """Whether it is of the admin API, whose errors have V3's form."""
        return self.path.startswith("/admin/")

    @property
    def operation_id(self) -> str:
        return f"{self.function}_{self.version}" if self.path.startswith("/stores/") else self.function


def document() -> dict[str, Any]:
    """The document as data.

    :raises UndescribedRouteError: when a route's description is missing or is about none.
    """
    paths: dict[str, dict[str, Any]] = {}
    described = set(OPERATIONS)
    for route in sorted(_routes(), key=lambda route: (route.path, _METHODS.index(route.method))):
        operation = OPERATIONS.get((route.method, route.path))
        if operation is None:
            raise UndescribedRouteError(
                f"{route.method.upper()} {route.path} is in template.yaml and not in OPERATIONS of "
                "cli/storehooks_cli/openapi/operations.py: describe its request and response there. Add a "
                "new response's class to _ANSWERS and a new body's fields to _FIELDS in schemas.py, and an "
                "example of the response in examples.py. Then run `make openapi`"
            )
        described.remove((route.method, route.path))
        if route.path not in paths:
            parameters = _path_parameters(route.path)
            paths[route.path] = {"parameters": parameters} if parameters else {}
        paths[route.path][route.method] = _operation(route, operation)
    if described:
        raise UndescribedRouteError(f"no route of template.yaml, but described: {sorted(described)}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "storehooks",
            "version": __version__,
            "summary": "Registers the webhooks of a store and delivers the store's events to them.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {"url": "/", "description": "The local stack, which serves this document."},
            {
                "url": "https://{domain}",
                "description": "A deployment with a DomainName.",
                "variables": {"domain": {"default": "hooks.example.com"}},
            },
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com/{stage}",
                "description": "A deployment without a DomainName: its output ApiUrl.",
                "variables": {
                    "api": {"default": "a1b2c3d4e5"},
                    "region": {"default": "us-east-1"},
                    "stage": {"default": "live"},
                },
            },
        ],
        "security": [{"token": []}],
        "paths": paths,
        "webhooks": {"event": {"post": _webhook()}},
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Auth-Token",
                    "description": "A token of `storehooks token create` or of the admin API. It identifies "
                    "the client and the store.",
                },
                "admin_token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Auth-Token",
                    "description": "A token of `storehooks admin-token create`. It belongs to no store.",
                },
            },
            "responses": dict(_error_responses()),
            "schemas": component_schemas(),
        },
    }


def as_yaml() -> str:
    """The document as it is kept."""
    plain = json.loads(json.dumps(document()))  # enumerations become their values
    body = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return f"{_HEAD}{body}"


class _Dumper(yaml.SafeDumper):
    """Writes everything out where it belongs, without anchors."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


_METHODS = ("get", "post", "put", "delete")


def _routes() -> Iterator[_Route]:
    for resource in read_template()["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        for event in properties.get("Events", {}).values():
            if event["Type"] == "Api":
                yield _Route(
                    method=event["Properties"]["Method"],
                    path=event["Properties"]["Path"],
                    function=properties["CodeUri"].removeprefix("functions/"),
                    summary=properties["Description"],
                )


def _path_parameters(path: str) -> list[dict[str, Any]]:
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [_parameter(name, "path", PATH[name]) for name in named]


def _parameter(name: str, place: str, schema: Schema) -> dict[str, Any]:
    """A parameter; what its schema says for people is the parameter's."""
    said = {key: schema[key] for key in ("description", "example") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in said}
    parameter = {"name": name, "in": place, "required": place == "path"}
    return parameter | said | {"schema": rest}


def _operation(route: _Route, operation: Operation) -> dict[str, Any]:
    right = f"The token needs the OAuth scope {_scopes(operation.right)}." if operation.right else ""
    if route.is_admin:
        right = "The request needs an admin token."
    shown: dict[str, Any] = {
        "operationId": route.operation_id,
        "tags": [operation.tag],
        "summary": route.summary,
        "description": " ".join(filter(None, [operation.description, right])),
    }
    if operation.right is None:
        shown["security"] = []
    if route.is_admin:
        shown["security"] = [{"admin_token": []}]
    if operation.query:
        shown["parameters"] = [_parameter(name, "query", schema) for name, schema in operation.query.items()]
    if operation.body:
        shown["requestBody"] = {
            "required": True,
            "content": {
                _JSON: {
                    "schema": ref(operation.body.schema),
                    "examples": {
                        event: {"value": examples.request_example(event)} for event in operation.body.events
                    },
                }
            },
        }
    left_out = _SOME_ROUTES - set(operation.errors) | (set() if operation.right else _WITH_TOKEN)
    statuses = [status for status in _STATUSES if status not in left_out]
    successes = filter(None, [operation.response, operation.otherwise])
    shown["responses"] = {str(one.status): _success(route, one) for one in successes} | {
        str(status): {"$ref": f"#/components/responses/{_response_name(status, route.version)}"}
        for status in statuses
    }
    return shown


def _scopes(right: str) -> str:
    """The OAuth scopes that give a right, for people."""
    return f"`{right}` or `{DEFAULT_OAUTH_SCOPE}`" if right == READ_OAUTH_SCOPE else f"`{right}`"


def _success(route: _Route, success: Answer) -> dict[str, Any]:
    response: dict[str, Any] = {"description": success.description}
    if success.schema is not None:
        content: dict[str, Any] = {"schema": success.schema}
        if success.example is not None:
            content["example"] = examples.ANSWERS[success.example]
        response["content"] = {success.media_type: content}
    if success.headers is not None:
        response["headers"] = {
            name: {
                "description": schema["description"],
                "schema": {key: value for key, value in schema.items() if key != "description"},
            }
            for name, schema in success.headers.items()
        }
    if route.function == "create_hook":
        response["links"] = _links(route.version)
    return response


def _links(version: Version) -> dict[str, Any]:
    """From a hook that was created to what can be done with it."""
    hook_id = "$response.body#/data/id" if version is Version.V3 else "$response.body#/id"
    return {
        f"{function}_{version}": {
            "operationId": f"{function}_{version}",
            "parameters": {"store_hash": "$request.path.store_hash", "id": hook_id},
        }
        for function in ("get_hook", "update_hook", "delete_hook")
    }


def _response_name(status: int, version: Version) -> str:
    return f"Error{status}{version.upper()}"


def _error_responses() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every error of the functions and of the gateway; the gateway has the form of V2 on all routes."""
    by_gateway: dict[int, dict[str, Any]] = {}
    for kind, response in read_gateway_responses().items():
        found = by_gateway.setdefault(response.status, {})
        body = {"value": json.loads(response.body)}
        if body not in found.values():
            found[f"the gateway's {kind}"] = body
    for version in Version:
        by_function: dict[int, dict[str, Any]] = {}
        for name, error in examples.errors().items():
            shown = error_response(error, version)
            by_function.setdefault(shown.status, {})[name] = {"value": shown.body}
        unknown = (by_function.keys() | by_gateway.keys()) - _STATUSES.keys()
        if unknown:
            raise LookupError(f"statuses without a description in _STATUSES of {__name__}: {unknown}")
        for status in _STATUSES:
            own, gateway = by_function.get(status, {}), by_gateway.get(status, {})
            if not own and not gateway:
                continue
            yield _response_name(status, version), _error(status, version, own, gateway)


def _error(status: int, version: Version, own: dict[str, Any], gateway: dict[str, Any]) -> dict[str, Any]:
    forms = [*(["ErrorV3" if version is Version.V3 else "ErrorsV2"] if own else [])]
    if gateway and "ErrorsV2" not in forms:
        forms.append("ErrorsV2")
    schema = ref(forms[0]) if len(forms) == 1 else {"anyOf": [ref(form) for form in forms]}
    response: dict[str, Any] = {"description": _STATUSES[status]}
    if status in _RETRY_AFTER:
        response["headers"] = {
            "X-Retry-After": {
                "required": True,
                "description": "Seconds to wait before the next try.",
                "schema": {"type": "integer"},
            }
        }
    response["content"] = {_JSON: {"schema": schema, "examples": own | gateway}}
    return response


def _webhook() -> dict[str, Any]:
    """The request that a destination gets."""
    texts = {
        "webhook-id": "The delivery's id: one for each hook and event, the same on every attempt.",
        "webhook-timestamp": "When this attempt began, in seconds since 1970.",
        "webhook-signature": "`v1,` and the base64 of an HMAC-SHA256 of id, timestamp and body, joined by "
        "dots. Its key is the client's secret. While a secret is rotated there are two signatures, with a "
        "space between them. See docs/receiving.md.",
    }
    return {
        "operationId": "event",
        "tags": ["Callbacks"],
        "summary": "What a destination gets",
        "description": "The request also has the hook's own headers. A delivery comes at least once. The "
        "order of deliveries is not guaranteed.",
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in texts.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                _JSON: {
                    "schema": ref("CallbackV2"),
                    "examples": {kind: {"value": body} for kind, body in examples.callbacks().items()},
                }
            },
        },
        "responses": {
            "2XX": {"description": "The event is delivered."},
            "410": {"description": "The hook is deactivated at once."},
            "default": {"description": "The attempt failed. The event is sent again later."},
        },
    }
