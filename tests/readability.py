"""How hard the docs are to read; `make lint` runs it: `python -m tests.readability [PAGE...]`.

It reads paragraphs and the items of lists. It leaves out code blocks, tables, headings, the targets of links,
and what `make bench` writes between two comments. What is quoted as code counts as one short word.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from re import compile as pattern
from typing import Self

from markdown_it import MarkdownIt
from markdown_it.token import Token

LONG_SENTENCE = 30
"""In words. What has more is a long sentence."""
_LONG_WORD = 7
"""In letters, as LIX has it."""
_SHOWN = 10

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_CODE = "code"
# What may begin a sentence in small letters.
_SMALL = rf"(?:{_CODE}|storehooks)\b"
_TEXTS = {"code_inline": _CODE, "softbreak": "\n", "hardbreak": "\n", "image": ""}
_WORD = pattern(r"\w+(?:['’.,:/-]+\w+)*")
_END = pattern(rf"[.!?][\"')]*\s+(?=[^a-z\s]|{_SMALL})")


@dataclass(frozen=True)
class Sentence:
    """A sentence, its words, and the line on which it begins."""

    line: int
    text: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """Of a page: words in a sentence on average, the share of long sentences, and LIX.

    LIX is the average number of words in a sentence, plus the percentage of words with more than six letters
    (C.-H. Björnsson, Läsbarhet, 1968). Unlike other grades it needs no dictionary of syllables. Below 30 is
    easy; newspapers have 40 and more.
    """

    mean_words: float
    long_sentences: float
    lix: float

    @classmethod
    def of(cls, sentences: list[Sentence]) -> Self:
        """Those of at least one sentence."""
        words = [word for sentence in sentences for word in sentence.words]
        mean = len(words) / len(sentences)
        long_words = sum(len(word) >= _LONG_WORD for word in words)
        long = sum(len(sentence.words) > LONG_SENTENCE for sentence in sentences)
        return cls(mean, long / len(sentences), mean + 100 * long_words / len(words))

    def within(self, bound: Self) -> bool:
        """Whether none is above the bound's."""
        return (
            self.mean_words <= bound.mean_words
            and self.long_sentences <= bound.long_sentences
            and self.lix <= bound.lix
        )

    def __str__(self) -> str:
        return f"{self.mean_words:.1f} words a sentence, {self.long_sentences:.1%} long, LIX {self.lix:.1f}"


BOUND = Figures(mean_words=16, long_sentences=0, lix=35)
# It is searched more than read, and had twice the long sentences of any other page.
BOUNDS = {"decisions.md": Figures(mean_words=20, long_sentences=0.15, lix=37)}


def sentences_of(markdown: str) -> Iterator[Sentence]:
    """The sentences of its paragraphs and lists, in their order."""
    is_generated = False
    for opening, token in pairwise(_MARKDOWN.parse(markdown)):
        if opening.type == "html_block":
            is_generated = not opening.content.startswith("<!-- end of ")
        if opening.type == "paragraph_open" and token.map and not is_generated:
            yield from _sentences_of_a_paragraph(token, token.map[0] + 1)


def _sentences_of_a_paragraph(token: Token, line: int) -> Iterator[Sentence]:
    text = "".join(_TEXTS.get(part.type, part.content) for part in token.children or ())
    start = 0
    for end in [*(found.end() for found in _END.finditer(text)), len(text)]:
        sentence = text[start:end]
        if words := tuple(_WORD.findall(sentence)):
            yield Sentence(line + text.count("\n", 0, start), " ".join(sentence.split()), words)
        start = end


def report(page: Path) -> tuple[str, bool]:
    """What to print of a page, and whether it is within its bound. A page without sentences is."""
    sentences = list(sentences_of(page.read_text()))
    if not sentences:
        return f"{page}: no prose", True
    figures, bound = Figures.of(sentences), BOUNDS.get(page.name, BOUND)
    if figures.within(bound):
        return f"{page}: {figures}", True
    worst = sorted(sentences, key=lambda one: -len(one.words))[:_SHOWN]
    return "\n".join(
        [
            f"{page}: {figures}; at most {bound}. Its longest sentences:",
            *(f"{page}:{one.line}: {len(one.words)} words: {one.text}" for one in worst),
        ]
    ), False


def pages() -> list[Path]:
    """Those that are held, from the root of the repository."""
    return [Path("README.md"), Path("CONTRIBUTING.md"), *sorted(Path("docs").glob("*.md"))]


def main(given: list[str]) -> int:
    """Print the figures of these pages, or of all; 1 if one is above its bound, else 0."""
    reports = [report(Path(page)) for page in given or pages()]
    for text, _ in reports:
        print(text)  # noqa: T201 - a linter's output
    return 0 if all(is_within for _, is_within in reports) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
