"""docs/glossary.md has what the state machine decides."""

import re
from pathlib import Path
from typing import Any

import pytest

from storehooks.domain.delivery import WAITING, Status
from storehooks.domain.destination import PULLED
from storehooks.domain.hook import Hook
from storehooks.domain.state_machine import refusal_of, waiting_end_as

PAGE = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text()
HOOKS: dict[str, dict[str, Any] | None] = {
    "active": {},
    "active, with a rate": {"max_per_second": 1},
    "active, with a tripped circuit": {},
    "paused": {"paused_at": 1},
    "deactivated": {"is_active": False, "deactivated_at": 1},
    "inactive": {"is_active": False},
    "deleted": None,
    "pulled and active": {"destination": PULLED},
    "pulled and paused": {"destination": PULLED, "paused_at": 1},
    "pulled and inactive": {"destination": PULLED, "is_active": False},
}


def table(title: str) -> list[list[str]]:
    """The rows of the table under a heading, cell by cell."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]


ROWS = {row[0]: row for row in table("What a hook's status does to its deliveries")}


def hook(**changes: Any) -> Hook:
    fields = {"destination": "https://app.example.com/", "is_active": True} | changes
    return Hook(
        id=1,
        store_hash="5ueh97",
        client_id="a" * 32,
        scope="store/order/*",
        headers=None,
        created_at=1,
        updated_at=1,
        **fields,
    )


def test_every_kind_of_hook_has_its_row():
    assert ROWS.keys() == HOOKS.keys()


@pytest.mark.parametrize("kind", HOOKS)
def test_what_waits_ends_as_the_state_machine_has_it(kind):
    changes = HOOKS[kind]
    refusal = refusal_of(None if changes is None else hook(**changes))
    said = set(re.findall(r"`(\w+)`", ROWS[kind][2]))
    assert said <= set(Status)
    assert said == {refusal.ends_as} if refusal else said <= WAITING


@pytest.mark.parametrize("kind", [kind for kind, changes in HOOKS.items() if changes])
def test_only_what_is_pulled_is_cancelled_before_an_attempt_is_due(kind):
    made = hook(**HOOKS[kind] or {})
    is_later = ROWS[kind][2].endswith("when it is due")
    assert is_later == (refusal_of(made) is not None and waiting_end_as(made) is None)


def test_every_status_of_a_delivery_is_there_and_whether_it_waits():
    rows = {row[0].strip("`"): row[2] for row in table("A delivery's status")}
    assert rows == {str(status): "yes" if status in WAITING else "no" for status in Status}


def test_words_are_in_order_and_each_stands_once():
    words = [row[0] for row in table("Words")]
    assert words == sorted(set(words), key=str.casefold)
