"""The readability check of `make lint`: what it reads, what it counts, and what it refuses."""

from pathlib import Path

import pytest

from tests.readability import PAGE, Figures, main, report, sentences_of

LONG = "Word " + " ".join(["word"] * 30) + "."


def texts(markdown):
    return [(one.line, one.text) for one in sentences_of(markdown, Path("page.md"))]


def test_paragraphs_and_lists_are_read_with_the_line_that_a_sentence_begins_on():
    assert texts("# Title\n\nOne is\nhere. Two\nis there.\n\n- Three.\n- Four\n  goes on. Five.\n") == [
        (3, "One is here."),
        (4, "Two is there."),
        (7, "Three."),
        (8, "Four goes on."),
        (9, "Five."),
    ]


def test_code_tables_headings_pictures_and_targets_of_links_are_not_read():
    markdown = (
        "# A heading.\n\n```sh\nmake run. Now.\n```\n\n| A cell. | B. |\n|---|---|\n| C. | D. |\n\n"
        "![A picture.](picture.png)\n\nRun `make a. B` as [the page](https://a.example/Long.html) says.\n"
    )
    assert texts(markdown) == [(13, "Run code as the page says.")]


def test_what_benchmarks_write_is_not_read():
    markdown = "One.\n\n<!-- the run -->\nMeasured with a. Two.\n<!-- end of the run -->\n\nThree.\n"
    assert [text for _, text in texts(markdown)] == ["One.", "Three."]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It costs $1.50 a month, 0.1 s or e.g. less.", 1),
        ('He said "no." Then `so`. `More` follows! storehooks too? (Yes.) 12 more.', 6),
        ("One; and two: and three, on one line", 1),
    ],
)
def test_a_full_stop_ends_a_sentence_where_another_begins(text, count):
    assert len(texts(text)) == count


def test_figures_are_the_mean_the_share_of_long_sentences_and_lix():
    figures = Figures.of(list(sentences_of(f"Shorter words, one of sevenths.\n\n{LONG}\n", Path("page.md"))))
    assert figures == Figures(mean_words=18, long_sentences=0.5, lix=pytest.approx(18 + 100 * 2 / 36))


@pytest.mark.parametrize("figure", ["mean_words", "long_sentences", "lix"])
def test_each_figure_above_its_bound_is_refused(figure):
    at_the_bound = vars(PAGE)
    assert Figures(**at_the_bound).within(PAGE)
    assert not Figures(**at_the_bound | {figure: at_the_bound[figure] + 0.01}).within(PAGE)


def test_a_page_above_its_bound_is_shown_with_its_longest_sentences_and_their_lines(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"Short.\n\nHere is another. {LONG}\n")
    text, is_within = report(page)
    assert not is_within
    assert f"{page}: 11.7 words a sentence, 33.3% long" in text
    assert "at most 16.0 words" in text
    assert text.splitlines()[1] == f"{page}:3: 31 words: {LONG}"


def test_a_page_of_tables_alone_passes(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# All\n\n| A |\n|---|\n| B |\n")
    assert report(page) == (f"{page}: no prose", True)


def test_the_check_fails_if_one_page_does(tmp_path, capsys):
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text("Short.\n")
    bad.write_text(LONG)
    assert main([str(good)]) == 0
    assert main([str(good), str(bad)]) == 1
    assert capsys.readouterr().out.count(str(good)) == 2


def test_docstrings_of_a_folder_are_read_together(tmp_path):
    (tmp_path / "inner").mkdir()
    short = tmp_path / "short.py"
    short.write_text('"""Short."""\n\n\ndef one():\n    """Too.\n\n    Three.\n    """\n\n\nTEXT = "No."\n')
    text, is_within = report(tmp_path)
    assert is_within
    assert text.startswith(f"{tmp_path}: 1.0 words a sentence")
    (tmp_path / "inner" / "long.py").write_text(f'class A:\n    """Short.\n\n    {LONG}\n    """\n')
    text, is_within = report(tmp_path)
    assert not is_within
    assert f"{tmp_path / 'inner' / 'long.py'}:4: 31 words: {LONG}" in text
