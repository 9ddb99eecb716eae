"""The hooks API as the command line calls it: a store's part of it, with a token.

A client of HTTP alone, so that it needs no rights in AWS.
"""

import os
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import BaseHTTPResponse, Retry

from storehooks import __version__
from storehooks.domain.exact_json import dumps, read_float, read_int

_PAGE = 250
# Longer than the gateway lets a function take.
_TIMEOUT_SECONDS = 35
_RETRIES = 4
_MAX_WAIT_SECONDS = 20


class ApiError(Exception):
    """The API refused a request.

    ``messages`` are its own words, none if the response is not its JSON; ``fields`` are the fields or quotas
    that they are about. ``asked_for`` is what a 404 did not find.
    """

    def __init__(self, status: int, messages: list[str], fields: list[str], asked_for: str) -> None:
        super().__init__(f"{status}: {'; '.join(messages)}")
        self.status = status
        self.messages = messages
        self.fields = fields
        self.asked_for = asked_for


class ApiUnreachableError(Exception):
    """The API did not respond; whether a change took effect is unknown."""


class Api:
    """The API of one store."""

    def __init__(self, base_url: str, store_hash: str, token: str, words: Sequence[str] = ()) -> None:
        """The API at a URL.

        :param words: the options by which a command reaches it, for messages that name such a command.
        """
        self.store_hash = store_hash
        self.words = words
        self._prefix = f"{base_url}/stores/{store_hash}/v2/"
        self._session = _session(base_url, token)

    def get(self, path: str, asked_for: str, **parameters: str | int | None) -> Any:
        """The response to a GET, such as of ``hooks/1``."""
        return self._request("GET", path, asked_for, params=parameters)

    def post(self, path: str, asked_for: str, body: object = None) -> Any:
        """The response to a POST. It is sent once: the API may have acted on one that got no response."""
        return self._request("POST", path, asked_for, **_json(body))

    def put(self, path: str, asked_for: str, body: object) -> Any:
        """The response to a PUT."""
        return self._request("PUT", path, asked_for, **_json(body))

    def change_hook(self, hook_id: int, asked_for: str, changes: object) -> tuple[Any, str | None]:
        """A hook that was changed; and if that resumed it, the id of the recovery of what was held."""
        response = self._respond("PUT", f"hooks/{hook_id}", asked_for, **_json(changes))
        location = response.headers.get("Location")
        return _read(response, asked_for), None if location is None else location.rpartition("/")[2]

    def delete(self, path: str, asked_for: str) -> Any:
        """The response to a DELETE."""
        return self._request("DELETE", path, asked_for)

    def oauth_scopes(self) -> list[str] | None:
        """The OAuth scopes of the token; None if it may not read the store's hooks.

        It may not if it is another store's, or has neither ``default`` nor ``read``.
        """
        try:
            response = self._respond("GET", "hooks", "", params={"limit": 1})
        except (ApiError, ApiUnreachableError):
            return None
        return response.headers.get("X-OAuth-Scopes", "").replace(",", " ").split()

    def hooks(self) -> Iterator[dict[str, Any]]:
        """All hooks of the client, by id."""
        number = 1
        while page := self.get("hooks", "hooks", page=number, limit=_PAGE):
            yield from page
            if len(page) < _PAGE:
                return
            number += 1

    def deliveries(
        self, hook_id: int, status: str | None, limit: int, find: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """The newest deliveries of a hook, at most ``limit``."""
        cursor: str | None = None
        while limit:
            page = self.get(
                f"hooks/{hook_id}/deliveries",
                f"hook {hook_id}",
                status=status,
                limit=min(limit, _PAGE),
                cursor=cursor,
                find=find,
            )
            yield from page["data"]
            limit -= len(page["data"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _request(self, method: str, path: str, asked_for: str, **arguments: Any) -> Any:
        return _read(self._respond(method, path, asked_for, **arguments), asked_for)

    def _respond(self, method: str, path: str, asked_for: str, **arguments: Any) -> requests.Response:
        try:
            response = self._session.request(
                method,
                self._prefix + path,
                # What is sent elsewhere would carry the token along.
                allow_redirects=False,
                timeout=_TIMEOUT_SECONDS,
                **arguments,
            )
        except requests.exceptions.SSLError as error:
            raise ApiUnreachableError(
                f"its certificate is not trusted ({_reason(error)}); "
                "REQUESTS_CA_BUNDLE names the file of a CA of your own"
            ) from None
        except requests.RequestException as error:
            raise ApiUnreachableError(_reason(error)) from None
        if not response.ok or response.is_redirect:
            raise ApiError(response.status_code, *_told(_read(response, asked_for)), asked_for)
        return response


def _read(response: requests.Response, asked_for: str) -> Any:
    """What a response says; an error if it is not JSON."""
    try:
        return response.json(parse_float=read_float, parse_int=read_int)
    except requests.JSONDecodeError:
        raise ApiError(response.status_code, [], [], asked_for) from None


def _json(body: object) -> dict[str, Any]:
    """How a body is given to requests, whose own JSON would change numbers."""
    if body is None:
        return {}
    return {"data": dumps(body, in_ascii=True), "headers": {"Content-Type": "application/json"}}


def _reason(error: requests.RequestException) -> str:
    """What went wrong, without all that requests says around it."""
    return str(getattr(error.args[0], "reason", error)) if error.args else type(error).__name__


def base_url_of(url: str) -> str:
    """Where ``/stores/...`` is, as a person says it; :class:`ValueError` when no token may go there."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ValueError("is not an https URL")
    if parts.query or parts.fragment:
        raise ValueError("has a query or a fragment")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("would send the token unencrypted: only https goes beyond this machine")
    return url.rstrip("/")


def _told(body: Any) -> tuple[list[str], list[str]]:
    """The messages of a response's errors, and the fields or quotas they are about."""
    entries = [entry for entry in body if isinstance(entry, dict)] if isinstance(body, list) else []
    details = [entry["details"] for entry in entries if isinstance(entry.get("details"), dict)]
    return (
        [str(entry["message"]) for entry in entries if "message" in entry],
        [str(detail[name]) for detail in details for name in ("field", "quota") if name in detail],
    )


def _session(base_url: str, token: str) -> requests.Session:
    session = requests.Session()
    session.auth = _TokenAuth(token)
    session.headers["User-Agent"] = f"storehooks-cli/{__version__}"
    session.headers["Accept"] = "application/json"
    if _is_loopback(urlsplit(base_url).hostname or ""):
        # A proxy leads to the internet and not to this machine.
        session.trust_env = False
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    session.mount(base_url, HTTPAdapter(max_retries=ApiRetry()))
    return session


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _TokenAuth(AuthBase):
    """Says who is calling; without it requests would look for a password in ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Auth-Token"] = self._token
        return request


class ApiRetry(Retry):
    """A few tries more when the API is busy or out of service, for what may be sent twice."""

    def __init__(self, **of_the_last_try: Any) -> None:
        settings: dict[str, Any] = {
            "total": _RETRIES,
            "connect": 0,
            "read": 0,
            "other": 0,
            "status_forcelist": {429, 503},
            "allowed_methods": {"GET", "PUT", "DELETE"},
            "backoff_factor": 0.5,
            "retry_after_max": _MAX_WAIT_SECONDS,
            "raise_on_status": False,
        }
        super().__init__(**(settings | of_the_last_try))

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """What the API says in seconds; BigCommerce and API Gateway name the header so."""
        said = response.headers.get("X-Retry-After", "")
        return self.parse_retry_after(said) if said.isdecimal() else super().get_retry_after(response)
