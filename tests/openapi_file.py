"""docs/openapi.yaml, and whether an answer is as it says."""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

OPENAPI = Path(__file__).parents[1] / "docs" / "openapi.yaml"


@cache
def openapi() -> dict[str, Any]:
    """The whole document. Do not change what it returns."""
    loaded: dict[str, Any] = yaml.load(OPENAPI.read_text(), yaml.CSafeLoader)
    return loaded


def assert_described(method: str, path: str, response: dict[str, Any], body: Any) -> None:
    """Hold what a function answers the gateway, and its decoded body, against the document."""
    responses = openapi()["paths"][path][method.lower()]["responses"]
    status = str(response["statusCode"])
    assert status in responses, f"{method} {path} is not said to answer {status}"
    described = resolved(responses[status])
    for name, header in described.get("headers", {}).items():
        if name not in response["headers"]:
            assert not header.get("required"), name
            continue
        value = response["headers"][name]
        validate(header["schema"], int(value) if header["schema"]["type"] == "integer" else value)
    content = described.get("content")
    if content is None:
        assert body is None
        return
    media_type = response["headers"]["Content-Type"].partition(";")[0]
    assert media_type in content
    validate(content[media_type]["schema"], body)


def resolved(value: dict[str, Any]) -> dict[str, Any]:
    """What a reference into the document stands for; anything else as it is."""
    if "$ref" not in value:
        return value
    found = openapi()
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def validate(schema: dict[str, Any], value: Any) -> None:
    """Hold a value against a schema of the document, formats included."""
    _validator(yaml.dump(schema, sort_keys=True)).validate(value)


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    whole = yaml.load(schema, yaml.CSafeLoader) | {"components": openapi()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
