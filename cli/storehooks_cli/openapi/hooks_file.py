"""The JSON Schema of the file that `storehooks hook sync` reads, for editors."""

import json

from storehooks_cli.hook_file import FIELDS
from storehooks_cli.openapi.schemas import Schema, component_schemas

_IN_OPENAPI = "#/components/schemas/"
_IN_THE_FILE = "#/definitions/"
_STAYS = "If left out, the hook keeps its value, and a new one is "


def hooks_file_schema() -> Schema:
    """The schema as data: of a hook, what the API takes. Editors know JSON Schema's draft 7 best."""
    known = component_schemas()
    fields = {name: dict(known["NewHook"]["properties"][name]) for name in FIELDS}
    fields["headers"]["description"] += (
        " In a value, ${NAME} is an environment variable, and $${ stands for ${. If left out, the hook has "
        "none."
    )
    del fields["is_active"]["default"]
    fields["is_active"]["description"] += f" {_STAYS}active."
    fields["is_paused"]["description"] += f" {_STAYS}not paused."
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Hooks of a storehooks client",
        "description": "The file that `storehooks hook sync` reads. docs/hooks-as-code.md describes it.",
        "type": "object",
        "required": ["hooks"],
        "additionalProperties": False,
        "properties": {"hooks": {"type": "array", "items": {"$ref": f"{_IN_OPENAPI}Hook"}}},
        "definitions": {
            "Hook": {
                "type": "object",
                "required": known["NewHook"]["required"],
                "additionalProperties": False,
                "properties": fields,
            },
            "HookScope": known["HookScope"],
            "EventPattern": known["EventPattern"],
        },
    }
    moved: Schema = json.loads(json.dumps(schema).replace(_IN_OPENAPI, _IN_THE_FILE))
    return moved


def as_json() -> str:
    """The schema as it is kept."""
    return json.dumps(hooks_file_schema(), indent=2, ensure_ascii=False) + "\n"
