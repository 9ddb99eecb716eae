"""The code of docs/provisioning.md, for the tests that run it."""

import re
from pathlib import Path
from typing import Any

_PAGE = (Path(__file__).parents[1] / "docs" / "provisioning.md").read_text()

LIFE, MOVING, OUTBOX, BUS, HTTP = re.findall(r"^```python\n(.*?)^```$", _PAGE, re.DOTALL | re.MULTILINE)
(NODE,) = re.findall(r"^```javascript\n(.*?)^```$", _PAGE, re.DOTALL | re.MULTILINE)


def names_of(*snippets: str) -> dict[str, Any]:
    """What a module has that consists of these snippets."""
    found: dict[str, Any] = {}
    for snippet in snippets:
        exec(snippet, found)  # noqa: S102 - the page's own
    return found
