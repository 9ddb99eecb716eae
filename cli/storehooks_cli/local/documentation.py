"""The OpenAPI document and a viewer for it, below /docs: on the local stack alone.

The viewer, Swagger UI, comes from a package and asks no other host for anything; the
policy in its headers holds it to that.
"""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from storehooks_cli.local.folders import PROJECT

ROOT = "/docs"
_DOCUMENT = PROJECT / "docs" / "openapi.yaml"
_PACKAGE = "flask_swagger_ui"
_FILES = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>storehooks: the API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/view.js"></script>
</body>
</html>
"""
# No validator of others, and no settings from the address.
_SCRIPT = """SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
  queryConfigEnabled: false,
});
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One of the files below /docs."""

    media_type: str
    content: bytes
    headers: Mapping[str, str]


def read_pages() -> dict[str, Page]:
    """Everything below /docs, by its path."""
    document = _DOCUMENT.read_bytes()
    as_json = json.dumps(yaml.load(document, yaml.CSafeLoader), ensure_ascii=False)
    contents = {
        "": ("text/html; charset=utf-8", _PAGE.encode()),
        "/": ("text/html; charset=utf-8", _PAGE.encode()),
        "/view.js": ("text/javascript; charset=utf-8", _SCRIPT.encode()),
        "/openapi.yaml": ("application/yaml; charset=utf-8", document),
        "/openapi.json": ("application/json", as_json.encode()),
    } | {f"/{name}": (media_type, (_viewer() / name).read_bytes()) for name, media_type in _FILES.items()}
    return {f"{ROOT}{path}": Page(kind, content, _HEADERS) for path, (kind, content) in contents.items()}


def _viewer() -> Path:
    """Where the viewer's files are, without importing the package, which is about something else."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{_PACKAGE} is not installed: run `make install`")
    return Path(spec.origin).parent / "dist"
