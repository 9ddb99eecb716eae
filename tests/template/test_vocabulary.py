"""One word for one idea, in the pages of docs/: other words for the same make a reader look for a difference.

What is quoted as code is left out: stored attributes and fields of the API keep their names.
"""

import re

import pytest

from tests.documented_commands import PAGES

INSTEAD = {
    r"answer\w*|repl(?:y|ies|ied)": "response, respond",
    r"put(?:s|ting)? (?:off|aside)": "defer",
    r"tells?|told": "notify, say",
    r"undelivered|not arrived": "missed",
    r"hand(?:s|ed|ing)? on": "send",
    r"switch(?:es|ed|ing)? (?:it |them |the hook )?(?:off|on)": "deactivate, activate, inactive",
    r"hears?|heard": "be notified",
}


def prose(text: str) -> str:
    """A page without its blocks, what it quotes as code, and where its links lead."""
    for pattern in (r"```.*?```", r"`[^`]*`", r"\]\([^)]*\)"):
        text = re.sub(pattern, lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)
    return text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_the_fields_words(page):
    found = {
        found[0]: better
        for words, better in INSTEAD.items()
        for found in re.finditer(
            rf"\b(?:{words.replace(' ', r'\s+')})\b", prose(page.read_text()), re.IGNORECASE
        )
    }
    assert found == {}


def test_the_words_are_found_in_prose_alone():
    text = "It `answers`.\n\n```\nanswer\n```\n[a](answer.md) The hook replied, was switched\noff."
    assert "replied" in prose(text)
    assert "answer" not in prose(text)
