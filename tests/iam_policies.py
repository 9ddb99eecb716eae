"""The policies of docs/iam, and what AWS's reference of actions says of theirs, as cfn-lint has it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint

FOLDER = Path(__file__).parents[1] / "docs" / "iam"
POLICIES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
DEPLOYING = ("deploying", "deploying-resources")
_REFERENCE = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"


@dataclass(frozen=True)
class Grant:
    """One action of one statement."""

    policy: str
    action: str
    resources: tuple[str, ...]
    condition: str


def grants(*policies: str) -> Iterator[Grant]:
    """What these policies grant, all of them if none is named."""
    for name in policies or POLICIES:
        for statement in POLICIES[name]["Statement"]:
            resources = statement["Resource"]
            listed = (resources,) if isinstance(resources, str) else tuple(resources)
            for action in statement["Action"]:
                yield Grant(name, action, listed, json.dumps(statement.get("Condition", "")))


def actions(*policies: str) -> set[str]:
    """The actions that these policies grant."""
    return {one.action for one in grants(*policies)}


def is_granted(action: str, resource: str, *policies: str) -> bool:
    """Whether a policy grants an action on a resource, conditions left out."""
    return any(
        one.action == action and any(fnmatchcase(resource, pattern) for pattern in one.resources)
        for one in grants(*policies)
    )


@cache
def _reference() -> dict[str, Any]:
    reference: dict[str, Any] = json.loads(_REFERENCE.read_text())
    return reference


def resource_types(action: str) -> list[str] | None:
    """The types of resources by which AWS lets one bound an action: none if it is for ``*`` alone.

    None for an action that AWS does not have.
    """
    service, _, name = action.partition(":")
    known = _reference()[service]["Actions"].get(name.lower())
    return None if known is None else known.get("Resources", [])
