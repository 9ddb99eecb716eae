"""The functions' modules. Each says how its handler is built, and keeps nothing a test could change."""

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path

from storehooks.composition import Handler, Parts

ROOT = Path(__file__).parents[1]


@functools.cache
def built_by(name: str) -> Callable[[Parts], Handler]:
    """What makes a function's handler of its parts."""
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"function_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build
