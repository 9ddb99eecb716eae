"""The console: one page with everything in it, which only its own style and script may style and run."""

import base64
import hashlib
import html
import importlib.util
import json
import re
from pathlib import Path

import pytest

from storehooks.domain.scope import catalogue, check_published_scope, check_scope, published

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "functions" / "console"
SOURCES = sorted(FOLDER.glob("*.js"))


def load():
    spec = importlib.util.spec_from_file_location("function_console", FOLDER / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


APP = load()
ANSWER = APP.handler(json.loads((ROOT / "events" / "console.json").read_text()), None)
PAGE = ANSWER["body"]
POLICY = dict(
    directive.split(" ", 1) for directive in ANSWER["headers"]["Content-Security-Policy"].split("; ")
)


def inline(tag: str) -> str:
    """What stands in the page's only element of this kind."""
    (text,) = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", PAGE, re.DOTALL)
    return text


def imports(source: str) -> dict[str, set[str]]:
    """The names that a module imports, by the module they come from."""
    found = re.findall(r'^import \{([^}]*)\} from "\./(\w+)\.js";$', source, re.MULTILINE)
    return {module: {name.strip() for name in names.split(",")} for names, module in found}


def declared(source: str) -> list[str]:
    """The names that a module declares for all of it."""
    return re.findall(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", source, re.MULTILINE)


def test_it_answers_a_page():
    assert ANSWER["statusCode"] == 200
    assert ANSWER["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert ANSWER["isBase64Encoded"] is False
    assert PAGE.startswith("<!doctype html>")


@pytest.mark.parametrize(("tag", "directive"), [("style", "style-src"), ("script", "script-src")])
def test_the_policy_allows_what_is_in_the_page_byte_for_byte_and_nothing_else(tag, directive):
    digest = base64.b64encode(hashlib.sha256(inline(tag).encode()).digest()).decode()
    assert POLICY[directive] == f"'sha256-{digest}'"
    assert "\r" not in PAGE, "a browser would turn it into a line feed before it compares"


def test_the_policy_allows_no_other_origin_no_frame_no_form_and_no_markup_from_text():
    assert {name: value for name, value in POLICY.items() if name not in {"style-src", "script-src"}} == {
        "default-src": "'none'",
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_other_headers_keep_the_page_to_itself():
    headers = {
        name: value
        for name, value in ANSWER["headers"].items()
        if name not in {"Content-Type", "Content-Security-Policy"}
    }
    assert headers == {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }


def test_the_page_names_no_other_place():
    text = re.sub(r"^ *//.*$", "", PAGE, flags=re.MULTILINE)  # without comments
    examples = {"https://app.example.com/orders", "http://www.w3.org/2000/svg"}  # the latter of the icon
    assert set(re.findall(r"(?:https?:)?//[\w.\-]+\.\w+[^\s\"'`]*", text)) == examples
    assert re.findall(r"\b(?:src|srcset|action|formaction|ping)=", PAGE) == []
    for link in re.findall(r'href="([^"]*)"', PAGE):
        assert link in {"#main", "#/"} or link.startswith("data:image/svg+xml,")


def test_nothing_in_the_markup_is_styled_or_run_in_place():
    assert re.findall(r"\s(?:style|on\w+)=", PAGE.replace(inline("script"), "")) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_script_makes_markup_or_code_from_text(path):
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|DOMParser|ContextualFragment|srcdoc"
        r"|\beval\b|\bFunction\b|javascript:|localStorage|document\.cookie"
    )
    assert re.findall(forbidden, path.read_text()) == []


def test_nothing_closes_the_style_or_the_script_early():
    assert "</" not in inline("style")
    assert re.findall(r"</?script|<!--", inline("script"), re.IGNORECASE) == []


def test_the_modules_are_one_whose_parts_only_use_what_stands_above_them():
    assert sorted(APP.MODULES) == [path.stem for path in SOURCES]
    above: dict[str, set[str]] = {}
    names: list[str] = []
    for module in APP.MODULES:
        source = (FOLDER / f"{module}.js").read_text()
        for origin, imported in imports(source).items():
            assert imported <= above[origin]
        above[module] = set(
            re.findall(r"^export (?:async )?(?:function|class|const) (\w+)", source, re.MULTILINE)
        )
        names += declared(source)
    assert len(names) == len(set(names))
    assert re.findall(r"^(?:import|export)\b.*", APP.script(), re.MULTILINE) == []


def test_what_a_module_imports_it_uses():
    for path in SOURCES:
        source = path.read_text()
        body = re.sub(r"^import .*$", "", source, flags=re.MULTILINE)
        for imported in imports(source).values():
            assert {name for name in imported if not re.search(rf"\b{name}\b", body)} == set(), path.name


def test_every_element_that_a_script_looks_for_is_in_the_page():
    ids = re.findall(r'\bid="([^"]+)"', PAGE)
    assert len(ids) == len(set(ids))
    wanted = {name for path in SOURCES for name in re.findall(r'byId\("([^"]+)"\)', path.read_text())}
    assert wanted <= set(ids)
    assert set(re.findall(r'(?:for|aria-labelledby|list)="([^"]+)"', PAGE)) <= set(ids)
    assert {
        name for names in re.findall(r'aria-describedby="([^"]+)"', PAGE) for name in names.split()
    } <= set(ids)


def test_the_scopes_that_a_hook_may_have_are_offered():
    offered = [html.unescape(scope) for scope in re.findall(r'<option value="([^"]*)">', PAGE)]
    assert set(catalogue()) < set(offered)
    for scope in offered:
        check_scope(scope.replace("{channel_id}", "1"))


def test_an_event_that_is_tried_begins_with_the_catalogues_example():
    options = re.findall(r'<option value="([^"]*)" data-example="([^"]*)">', PAGE)
    offered = {html.unescape(scope): json.loads(html.unescape(example)) for scope, example in options}
    assert len(offered) == len(options) == len(published())
    for scope, example in offered.items():
        check_published_scope(scope)
        assert (
            example
            == published()[scope.replace("store/channel/1/", "store/channel/{channel_id}/")]["example"]
        )
