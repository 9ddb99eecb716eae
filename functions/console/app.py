"""GET /console"""

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import HtmlResponse, Response
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.scope import catalogue, published, wildcards

FOLDER = Path(__file__).parent
# Each imports only from those before it, so that one after the other they are a single module.
MODULES = (
    "dom",
    "time",
    "api",
    "session",
    "route",
    "status",
    "attempt",
    "delivery",
    "forms",
    "stats",
    "find",
    "publish",
    "hooks",
    "hook",
    "try",
    "main",
)
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./[a-z]+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?(function|class|const) )", re.MULTILINE)


def script() -> str:
    """The modules as the one that stands in the page."""
    sources = [(FOLDER / f"{name}.js").read_text("utf-8") for name in MODULES]
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", source)) for source in sources)


def _page() -> Response:
    """The page with its style, its script and the catalogue in it: one response that loads nothing."""
    inline = {"style.css": (FOLDER / "style.css").read_text("utf-8"), "script": script()}
    scopes = sorted(catalogue().keys() | wildcards())
    inline["scopes"] = "".join(f'<option value="{html.escape(scope)}"></option>' for scope in scopes)
    inline["events"] = "".join(_event_option(scope, entry["example"]) for scope, entry in published().items())
    page = (FOLDER / "page.html").read_text("utf-8")
    for name, text in inline.items():
        page = page.replace(f"<!-- {name} -->", text)
    return HtmlResponse(200, page, _headers(style=inline["style.css"], script=inline["script"]))


def _event_option(scope: str, example: Any) -> str:
    """A scope of events, with the example of their data. Of the channels, the first stands for all."""
    value, data = scope.replace("{channel_id}", "1"), json.dumps(example)
    return f'<option value="{html.escape(value)}" data-example="{html.escape(data)}"></option>'


def _headers(*, style: str, script: str) -> dict[str, str]:
    """No style, script or connection but the page's own; markup cannot be made from text (Trusted Types)."""
    policy = (
        "default-src 'none'",
        f"style-src '{_digest(style)}'",
        f"script-src '{_digest(script)}'",
        "connect-src 'self'",
        "img-src data:",  # the icon
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def build(_parts: Parts) -> Handler:
    """The handler, with the page that it always responds with."""
    page = _page()

    @operation
    def console(_request: Request) -> Response:
        """The console: a page for people, which calls the API with the token that they give it."""
        return page

    return console


handler = lambda_handler(build)
