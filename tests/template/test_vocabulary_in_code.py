"""One word for one idea, in docstrings and comments of the layer and the functions, and in the template.

Texts quoted as code are left out: stored attributes, parameters and fields of the API keep their names.
"""

import ast
import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
MODULES = sorted([*ROOT.glob("layers/shared/storehooks/**/*.py"), *ROOT.glob("functions/*/app.py")])
INSTEAD = {
    r"answer\w*|repl(?:y|ies|ied)": "response, respond",
    r"put(?:s|ting)? (?:off|aside)": "defer",
    r"tells?|told|hears?|heard": "notify, say",
    r"not arrived": "missed",
    r"hand(?:s|ed|ing)? (?:it |them )?on": "send",
    r"switch(?:es|ed|ing)? (?:it |them |the hook |a hook )?(?:off|on)": "deactivate, activate, inactive",
    r"so many": "this many, at most",
    r"by how much": "the difference",
    r"as it is then": "current",
    r"what is no": "invalid",
    r"which nobody|whoever|who (?:reads|sends|calls|manages)": "the role: caller, client, process",
}
WRONG = [
    (re.compile(rf"\b(?:{words.replace(' ', r'\s+')})\b", re.IGNORECASE), better)
    for words, better in INSTEAD.items()
]
# By file, the words that are right there, each with its reason.
EXCEPTIONS = {
    "template.yaml": {"told", "tell"},  # a part of stored keys, and of the ids of policies
    "pulled.py": {"so many"},
}


def prose_of(path: Path) -> str:
    """The sentences of a file, without what they quote as code."""
    text = path.read_text()
    if path.suffix == ".yaml":
        parts = re.findall(r"(?:^ *# |Description: )(.*)", text, re.MULTILINE)
    else:
        parts = [
            node.value.value
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ]
        parts += [
            token.string.removeprefix("#")
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        ]
    return re.sub(r"`+[^`]*`+", "", "\n".join(parts))


def wrong_words(path: Path) -> dict[str, str]:
    """The wrong words of a file, each with what stands for it."""
    prose, right = prose_of(path), EXCEPTIONS.get(path.name, set())
    return {
        found[0]: better
        for words, better in WRONG
        for found in words.finditer(prose)
        if found[0].lower() not in right
    }


def test_code_has_the_fields_words():
    wrong = {str(path.relative_to(ROOT)): wrong_words(path) for path in [*MODULES, TEMPLATE]}
    assert {path: words for path, words in wrong.items() if words} == {}


def test_docstrings_comments_and_descriptions_are_prose(tmp_path):
    module = tmp_path / "module.py"
    module.write_text('"""A `reply`."""\n\nX = "told"\n"""Answers."""\n# hears\n')
    assert prose_of(module).split() == ["A", ".", "Answers.", "hears"]
    assert wrong_words(module).keys() == {"Answers", "hears"}
    template = tmp_path / "template.yaml"
    template.write_text("# Comment\nA:\n  Description: Tells\n  B: answer\n")
    assert prose_of(template).split() == ["Comment", "Tells"]
