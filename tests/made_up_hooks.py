"""Hooks that are made up, as the bodies of requests that the API takes."""

from typing import Any

from hypothesis import strategies as st

from storehooks.api.hook_input import NewHook
from storehooks.domain.errors import InvalidFieldsError
from storehooks.domain.exact_json import read_float
from storehooks_cli.hook_file import HIDDEN

SCOPES = ("store/order/*", "store/order/created", "store/channel/7/settings/*")
# What YAML reads as something else, what a file has a meaning for, and what has to be escaped.
HARD = (
    "no",
    "~",
    "1:30",
    "2024-01-01",
    "010",
    "1e3",
    "null",
    "<<",
    "=",
    "- a",
    "a: b",
    "# a",
    "'",
    '"',
    "\\",
)
VARIABLES = ("${A}", "$${A}", "$$${A}", "$", "${", "$$", "a${A}b")
_TEXT = st.text(max_size=8) | st.sampled_from(HARD + VARIABLES)
_NUMBERS = st.sampled_from(["1.50", "1e400", "-0", "250", "19.9"]).map(
    lambda text: int(text) if text == "250" else read_float(text)
)
_ALTERNATIVES = st.lists(
    _TEXT | _NUMBERS | st.booleans() | st.none() | st.sampled_from([{"exists": True}, {"prefix": "no"}]),
    min_size=1,
    max_size=3,
)
_FILTERS = st.recursive(
    st.dictionaries(_TEXT, _ALTERNATIVES, min_size=1, max_size=2),
    lambda inner: st.dictionaries(_TEXT, inner, min_size=1, max_size=2),
    max_leaves=3,
)
_HEADERS = st.dictionaries(
    st.sampled_from(["X-Key", "x_key", "X-Other", "Authorization", "1-X", "no"]),
    st.text(max_size=8).map(str.strip)
    | st.sampled_from([*filter(str.isprintable, HARD), *VARIABLES, HIDDEN * 2]),
    max_size=3,
)


def is_taken(body: dict[str, Any]) -> bool:
    """Whether the API takes a body."""
    try:
        NewHook.parse(body, allow_private=False)
    except InvalidFieldsError:
        return False
    return True


def shown(body: dict[str, Any], hook_id: int = 1, **fields: Any) -> dict[str, Any]:
    """A hook of this body as the API shows it."""
    hook = {"id": hook_id, "headers": None, "is_active": True} | body | fields
    return {name: value for name, value in hook.items() if value is not None or name == "headers"}


def bodies() -> st.SearchStrategy[dict[str, Any]]:
    """Bodies that create hooks."""
    return st.fixed_dictionaries(
        {
            "scope": st.sampled_from(SCOPES),
            "destination": st.sampled_from("abcdefghijkl").map(
                lambda path: f"https://app.example.com/{path}"
            ),
        },
        optional={
            "headers": st.none() | _HEADERS,
            "filter": st.none() | _FILTERS,
            "max_per_second": st.sampled_from([None, 0.1, 5, 2.5, 1000]),
            "is_active": st.booleans(),
            "is_paused": st.booleans(),
        },
    ).filter(is_taken)
