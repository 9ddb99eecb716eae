"""Calls to DynamoDB through libcurl, without botocore's request path, which takes longer than a send.

Such a call is tried once. If anything fails, botocore makes the second try, whose result or error counts. So
only botocore has to know how DynamoDB fails.
"""

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from zlib import crc32

import orjson
import pycurl  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_IDLE_SECONDS = 50
"""Seconds after which an idle connection is not used: it may have died while Lambda froze the process."""

_CONNECT_SECONDS, _SECONDS = 1, 6
_CHECKSUM = b"x-amz-crc32:"
# Botocore's pauses before its second try: by status of a possible throttle, and for everything else.
_MAX_PAUSE_SECONDS = {400: 1.0}
_SHORT_PAUSE_SECONDS = 0.025


class DirectDynamoDB:
    """Batch calls with botocore's signatures and errors. For one thread.

    Items are DynamoDB's JSON, and results have no ``ResponseMetadata``. A write may be done twice, so it must
    be idempotent.

    :param endpoint_url: as botocore resolved it.
    :param credentials: returns the credentials that botocore found, which it may refresh; None if it found
        none.
    :param ca_bundle: a PEM file to verify DynamoDB's certificate with.
    :param second: returns the client of the second try, which tries once.
    :param clock: returns seconds since 1970. It must go on while Lambda has the process frozen.
    :param sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        *,
        endpoint_url: str,
        region: str,
        user_agent: str,
        ca_bundle: str,
        credentials: "Callable[[], Credentials | None]",
        second: "Callable[[], DynamoDBClient]",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._options = {
            pycurl.URL: endpoint_url,
            pycurl.AWS_SIGV4: f"aws:amz:{region}:dynamodb",
            pycurl.USERAGENT: user_agent,
            pycurl.CAINFO: ca_bundle,
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
            pycurl.NOSIGNAL: 1,
            pycurl.CONNECTTIMEOUT_MS: round(_CONNECT_SECONDS * 1000),
            pycurl.TIMEOUT_MS: round(_SECONDS * 1000),
        }
        self._credentials = credentials
        self._second = second
        self._clock = clock
        self._sleep = sleep
        self._head: list[bytes] = []
        self._curl = self._new_handle()
        self._used_at = clock()

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803 - as botocore has it
        """As botocore's client has it."""
        found = self._try("BatchGetItem", RequestItems)
        return self._second().batch_get_item(RequestItems=RequestItems) if found is None else found

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        """As botocore's client has it."""
        written = self._try("BatchWriteItem", RequestItems)
        return self._second().batch_write_item(RequestItems=RequestItems) if written is None else written

    def _new_handle(self) -> pycurl.Curl:
        curl = pycurl.Curl()
        for option, value in self._options.items():
            curl.setopt(option, value)
        curl.setopt(pycurl.HEADERFUNCTION, self._head.append)
        return curl

    def _try(self, operation: str, items: Any) -> dict[str, Any] | None:
        """DynamoDB's response; None, after a pause, if a second try is needed."""
        credentials = self._credentials()
        if credentials is None:
            return None  # botocore raises the error
        now = self._clock()
        if not 0 <= now - self._used_at <= MAX_IDLE_SECONDS:
            self._curl.close()
            self._curl = self._new_handle()
        self._used_at = now
        key = credentials.get_frozen_credentials()
        headers = [
            "Content-Type: application/x-amz-json-1.0",
            f"X-Amz-Target: DynamoDB_20120810.{operation}",
            # Headers that libcurl would add itself.
            "Accept:",
            "Expect:",
        ]
        if key.token:
            headers.append(f"X-Amz-Security-Token: {key.token}")
        curl = self._curl
        curl.setopt(pycurl.USERNAME, key.access_key)
        curl.setopt(pycurl.PASSWORD, key.secret_key)
        curl.setopt(pycurl.HTTPHEADER, headers)
        self._head.clear()
        status = 0
        try:
            curl.setopt(pycurl.POSTFIELDS, orjson.dumps({"RequestItems": items}))
            body = curl.perform_rb()
            status = curl.getinfo(pycurl.RESPONSE_CODE)
            if status == 200 and self._is_whole(body) and isinstance(response := orjson.loads(body), dict):
                return response
        except (pycurl.error, orjson.JSONEncodeError, ValueError):
            pass  # no request, no response, or one that is not JSON
        self._sleep(random.random() * _MAX_PAUSE_SECONDS.get(status, _SHORT_PAUSE_SECONDS))  # noqa: S311
        return None

    def _is_whole(self, body: bytes) -> bool:
        """Whether a body matches the checksum in DynamoDB's response."""
        given = [line[len(_CHECKSUM) :] for line in self._head if line[: len(_CHECKSUM)].lower() == _CHECKSUM]
        return all(int(one) == crc32(body) for one in given)
