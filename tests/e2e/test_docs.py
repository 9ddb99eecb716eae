"""/docs of the local stack: the document, and a viewer that asks nobody else for anything."""

import pytest
import requests
import yaml

from tests.e2e.browser import Visit, chromium
from tests.openapi_file import OPENAPI, openapi


def get(stack, path, **options):
    return requests.get(f"{stack.base_url}/docs{path}", timeout=60, **options)


def test_the_document_is_served_without_a_token(stack):
    assert get(stack, "/openapi.yaml").content == OPENAPI.read_bytes()
    assert get(stack, "/openapi.json").json() == openapi()
    assert yaml.safe_load(get(stack, "/openapi.yaml").text)["openapi"] == "3.1.0"


@pytest.mark.parametrize("path", ["/nothing", "/../template.yaml", "/%2e%2e/template.yaml", "/openapi.yaml/"])
def test_nothing_else_is_below_docs(stack, path):
    assert get(stack, path).status_code == 404


@pytest.mark.toolchain
def test_the_viewer_shows_every_operation_and_asks_nobody_else(stack):
    """A visit fails if the browser complains, as it does of whatever the page's policy refuses."""
    with chromium() as browser, Visit(browser, stack.base_url) as visit:
        visit.page.goto(f"{stack.base_url}/docs")
        visit.page.locator(".opblock").first.wait_for()
        operations = [
            method for path in openapi()["paths"].values() for method in path if method != "parameters"
        ]
        shown = visit.page.locator(".opblock")
        assert shown.count() >= len(operations)
        visit.page.get_by_text("/stores/{store_hash}/v2/hooks", exact=True).first.click()
        visit.page.get_by_text("Error400V2").or_(visit.page.get_by_text("A page of hooks.")).first.wait_for()
    assert any(url.endswith("/docs/openapi.json") for url in visit.requests)
