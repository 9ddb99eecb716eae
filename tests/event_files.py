"""The event files of events/, which tests invoke functions with."""

import json
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parents[1] / "events"


def load_event(name: str) -> dict[str, Any]:
    """An event file, as data of one's own."""
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return loaded
