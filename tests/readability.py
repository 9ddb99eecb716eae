"""How hard the docs and the docstrings are to read; `make lint` runs it:
`python -m tests.readability [PAGE or FOLDER...]`.

It reads paragraphs and the items of lists. It leaves out code blocks, tables, headings, the targets of links,
and what `make bench` writes between two comments. What is quoted as code counts as one short word.
"""

import ast
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
_WITH_DOCSTRINGS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_CODE = "code"
# What may begin a sentence in small letters.
_SMALL = rf"(?:{_CODE}|storehooks)\b"
_TEXTS = {"code_inline": _CODE, "softbreak": "\n", "hardbreak": "\n", "image": ""}
_WORD = pattern(r"\w+(?:['’.,:/-]+\w+)*")
_END = pattern(rf"[.!?][\"')]*\s+(?=[^a-z\s]|{_SMALL})")


@dataclass(frozen=True)
class Sentence:
    """A sentence, its words, and the file and line where it begins."""

    path: Path
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


PAGE = Figures(mean_words=16, long_sentences=0, lix=35)
# Their tables and lists of parameters have the form of sentences.
DOCSTRINGS = Figures(mean_words=14, long_sentences=0.02, lix=35)


def sentences_of(markdown: str, path: Path, above: int = 0) -> Iterator[Sentence]:
    """The sentences of its paragraphs and lists, in their order; above is the number of lines before it."""
    is_generated = False
    for opening, token in pairwise(_MARKDOWN.parse(markdown)):
        if opening.type == "html_block":
            is_generated = not opening.content.startswith("<!-- end of ")
        if opening.type == "paragraph_open" and token.map and not is_generated:
            yield from _sentences_of_a_paragraph(token, path, above + token.map[0] + 1)


def docstrings_of(source: str, path: Path) -> Iterator[Sentence]:
    """The sentences of the docstrings of a module, its classes and its functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _WITH_DOCSTRINGS) and (text := ast.get_docstring(node)):
            yield from sentences_of(text, path, node.body[0].lineno - 1)


def _sentences_of_a_paragraph(token: Token, path: Path, line: int) -> Iterator[Sentence]:
    text = "".join(_TEXTS.get(part.type, part.content) for part in token.children or ())
    start = 0
    for end in [*(found.end() for found in _END.finditer(text)), len(text)]:
        sentence = text[start:end]
        if words := tuple(_WORD.findall(sentence)):
            yield Sentence(path, line + text.count("\n", 0, start), " ".join(sentence.split()), words)
        start = end


def report(path: Path) -> tuple[str, bool]:
    """What to print of a page or of a folder's docstrings, and whether it is within its bound.

    One without sentences is.
    """
    if path.is_dir():
        files = sorted(path.rglob("*.py"))
        sentences = [one for file in files for one in docstrings_of(file.read_text(), file)]
        bound = DOCSTRINGS
    else:
        sentences = list(sentences_of(path.read_text(), path))
        bound = PAGE
    if not sentences:
        return f"{path}: no prose", True
    figures = Figures.of(sentences)
    if figures.within(bound):
        return f"{path}: {figures}", True
    worst = sorted(sentences, key=lambda one: -len(one.words))[:_SHOWN]
    return "\n".join(
        [
            f"{path}: {figures}; at most {bound}. Its longest sentences:",
            *(f"{one.path}:{one.line}: {len(one.words)} words: {one.text}" for one in worst),
        ]
    ), False


def held() -> list[Path]:
    """What is held to a bound, from the root of the repository."""
    pages = [Path("README.md"), Path("CONTRIBUTING.md"), *sorted(Path("docs").glob("*.md"))]
    return [*pages, Path("layers/shared"), Path("functions"), Path("cli")]


def main(given: list[str]) -> int:
    """Print the figures of these, or of all; 1 if one is above its bound, else 0."""
    reports = [report(Path(path)) for path in given or held()]
    for text, _ in reports:
        print(text)  # noqa: T201 - a linter's output
    return 0 if all(is_within for _, is_within in reports) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
