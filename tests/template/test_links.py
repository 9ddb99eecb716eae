"""Links between the repository's pages lead somewhere, and each decision can be linked to."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.documented_commands import PAGES, ROOT

FILES = [*PAGES, ROOT / "CHANGELOG.md"]
DECISIONS = (ROOT / "docs" / "decisions.md").read_text()


def without_blocks(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> Counter[str]:
    """Of its headings, as GitHub makes them: in lower case, with hyphens for spaces and no punctuation."""
    headings = re.findall(r"^#+ (.*)$", without_blocks(text), re.MULTILINE)
    shown = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return Counter(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in shown)


def broken(page: Path, text: str) -> list[str]:
    """Its links into the repository that lead to no file, or to no heading of a page."""
    found = []
    for target in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", without_blocks(text)):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        linked = text if path == page else path.read_text() if path.suffix == ".md" and path.exists() else ""
        if not path.exists() or (anchor and anchor not in anchors(linked)):
            found.append(target)
    return found


@pytest.mark.parametrize("page", FILES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page):
    assert broken(page, page.read_text()) == []


def test_every_heading_that_the_code_names_exists():
    """In comments and messages."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = {
        (page, anchor)
        for name in listed.splitlines()
        if name.endswith((".py", ".yaml", ".in", ".toml", "Makefile"))
        for page, anchor in re.findall(r"\bdocs/([\w-]+\.md)#([\w-]+)", (ROOT / name).read_text())
    }
    known = {page: anchors((ROOT / "docs" / page).read_text()) for page, _ in named}
    assert len(named) > 10
    assert [f"{page}#{anchor}" for page, anchor in sorted(named) if anchor not in known[page]] == []


def test_a_link_to_no_heading_is_found():
    page = ROOT / "docs" / "decisions.md"
    text = (
        "## Hooks' `API`, v3\n[a](#hooks-api-v3) [b](#hooks) [c](none.md) [d](api.md#errors) [e](api.md#none)"
    )
    assert broken(page, text) == ["#hooks", "none.md", "api.md#none"]


def test_every_heading_of_the_decisions_has_an_anchor_of_its_own():
    assert [anchor for anchor, times in anchors(DECISIONS).items() if times > 1] == []


def test_every_area_of_the_decisions_is_in_the_contents():
    contents = DECISIONS.split("\n## ")[0]
    areas = re.findall(r"^## (.*)$", DECISIONS, re.MULTILINE)
    assert re.findall(r"\[([^]]+)\]\(#", contents) == areas


def test_every_decision_has_a_heading_and_ends_with_its_date():
    for area in DECISIONS.split("\n## ")[1:]:
        name, *decisions = area.split("\n### ")
        assert decisions
        assert "\n" not in name.strip(), "each decision below it begins with a heading (###)"
        for decision in decisions:
            heading, _, text = decision.partition("\n")
            # A second date is that of a decision without a heading.
            first_date = re.search(r"\(20\d\d-\d\d-\d\d(?:,[^()]+)?\)", text)
            assert first_date, heading
            assert text[first_date.end() :].strip() == "", heading
