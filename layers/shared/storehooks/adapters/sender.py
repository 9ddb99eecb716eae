"""The HTTPS sender of deliveries: libcurl, many transfers at once in one thread.

A destination's effect is bounded: where a connection may go, how long an attempt takes, how much of a
response is read, and how long it can keep libcurl busy. No data of one request reaches another.
"""

import os
import re
import select
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from ipaddress import ip_address
from math import inf
from socket import AF_INET, AF_INET6, SO_RCVBUF, SOL_SOCKET, socket, socketpair
from urllib.parse import urlsplit

import certifi
import pycurl  # type: ignore[import-untyped]

from storehooks.adapters.cork import Corked
from storehooks.adapters.flood_guard import FloodGuard
from storehooks.domain.address import is_public, parse_plain
from storehooks.domain.attempt import Attempt, OutgoingRequest, Times
from storehooks.domain.destination import split_target

MAX_HEAD_BYTES = 16 * 1024
"""Status lines and headers of a response, informational (1xx) ones included. Real ones take a few KB."""
MAX_BODY_BYTES = 4 * 1024
"""Bytes that are read of a response's body as it is sent: with the framing of chunks, compressed or not."""
MAX_ANSWER_BYTES = 1024
MAX_ERROR_CHARS = 200
HTTPS_PORT = 443

# Maximum connections that are kept, including those in use. Each takes some 150 KB.
_MAX_CONNECTIONS = 256
# Idle ones are dropped before load balancers drop them (60 s is common); busy ones after a
# while too, so that a destination that moves is followed to its new address.
_MAX_IDLE_SECONDS = 50
_MAX_AGE_SECONDS = 600
_MAX_ADDRESS_AGE_SECONDS = 60  # of a name's addresses, which libcurl keeps
# Libcurl's own timeout is this much later than the deadline, in case that is missed.
_GRACE_SECONDS = 60
# Reading takes a thousandth of a second, unless a destination floods. A read that takes this long moves all
# deadlines, within the maximum below, because Lambda's timeout is 29 s for a ping.
_LONG_SECONDS = 0.25
_MAX_MORE_SECONDS = 8

_MAX_WAKINGS = 4096
# Linux doubles it. Without it, megabytes may come that are never read.
_RECEIVE_BUFFER_BYTES = 32 * 1024
# libcurl writes this much of a request before it reads: 16 KB is its minimum, and Linux holds 32 KB back.
_MAX_WRITE_BYTES = 16 * 1024

# So libcurl adds none of its own to a POST. Given ones with these names are sent.
_SUPPRESSED = [b"Accept:", b"Content-Type:", b"Expect:", b"User-Agent:"]
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+", re.ASCII)  # RFC 9110, 5.6.2
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")  # a line break would begin another header
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_CHUNK = re.compile(rb"\s*([0-9A-Fa-f]{1,16})[^\n]*\n")  # the line before a chunk (RFC 9112, 7.1)
# OpenSSL's words in libcurl's messages.
_CERTIFICATE_VERDICT = re.compile(r"OpenSSL verify result: ([^(]+) \(")
_OPENSSL_REASON = re.compile(r"error:[0-9A-F]+:[^:]*:[^:]*:([^:,]+)")
_UNNAMED_ALERT = re.compile(r"reason\(1([0-9]{3})\)")  # to OpenSSL, the alert's number and 1000
_END_OF_FILE = "unexpected eof while reading"

_BAD_LENGTH = "an empty or malformed Content-Length"
_REDIRECTS = {301, 302, 303, 307, 308}  # 300 offers a choice, 304 says that nothing has changed

_MAX_HOST_CHARS = 120  # of the host in an error, so that the words around it are not cut off
_SWITCHING_PROTOCOLS = 101  # the one 1xx after which no other response comes

_NO_SOCKET: int = pycurl.SOCKET_BAD
_EVENTS = {
    pycurl.POLL_IN: select.POLLIN,
    pycurl.POLL_OUT: select.POLLOUT,
    pycurl.POLL_INOUT: select.POLLIN | select.POLLOUT,
}


class Sender:
    """Sends requests concurrently, and keeps connections. For one thread, except :meth:`wake`.

    An attempt succeeds if a 2xx and its headers come in time, whatever the body does: at 4 KB, at the
    deadline or where it breaks off, the status decides. A receiver that sent a 2xx has accepted the event,
    and would get it twice.

    If the receiver has closed a kept connection, libcurl sends once more on a new one.

    :param timeout_seconds: one deadline over name lookup, connection, TLS and response.
    :param allow_private: allow http, any port and any address, for use on one machine.
    :param ca_bundle: a PEM file to verify certificates with; certifi's if None.
    :param clock: seconds since 1970, for the times at which attempts began, and for the age of kept
        connections. It must go on while Lambda has the process frozen.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float,
        allow_private: bool,
        ca_bundle: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._allow_private = allow_private
        self._ca_bundle = ca_bundle or certifi.where()
        self._clock = clock
        self._blank = self._blank_handle()
        self._running: dict[pycurl.Curl, _Transfer] = {}
        self._has_new = False  # whose beginning closes connections
        self._finished: list[tuple[str, Attempt]] = []
        # libcurl says which sockets to watch and until when.
        self._poll = select.poll()
        self._watched: set[int] = set()
        self._shaking: set[int] = set()  # new connections, whose TLS handshake may not be over
        self._guard = FloodGuard()
        self._due_at = inf
        self._waker, self._woken = socketpair()
        self._waker.setblocking(False)
        self._poll.register(self._woken, select.POLLIN)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, _MAX_CONNECTIONS)
        # For each kept connection when it was last used, by our clock and by libcurl's, the oldest first.
        self._last_uses: dict[int, tuple[float, float]] = {}
        self._dropped_at = clock()
        self._looks_up_until = -inf  # by libcurl's clock

    @property
    def in_flight(self) -> int:
        """The number of started requests whose attempts :meth:`wait` has not returned yet."""
        return len(self._running) + len(self._finished)

    def start(self, key: str, request: OutgoingRequest) -> None:
        """Begin to send a request. It never raises: a malformed request is a failed attempt.

        :param key: :meth:`wait` returns the attempt with this key.
        """
        if not self._running:
            self._drop_too_old()
        # A handle of its own for each request, for 2 us: nothing is left in it from another's.
        transfer = _Transfer(
            key,
            self._clock(),
            request.url,
            timeout_seconds=self._timeout_seconds,
            allow_private=self._allow_private,
            guard=self._guard,
            shaking=self._shaking,
        )
        curl = self._blank.duphandle()
        if time.monotonic() < self._looks_up_until:
            curl.setopt(pycurl.DNS_CACHE_TIMEOUT, 0)
        try:
            _prepare(curl, transfer, request)
            with self._guard:
                self._multi.add_handle(curl)
        except (pycurl.error, ValueError):
            curl.close()
            attempt = transfer.failed("the request is malformed", Times(total_ms=0.0))
            self._finished.append((key, attempt))
        else:
            self._running[curl] = transfer
            self._has_new = True

    def wait(self, seconds: float) -> list[tuple[str, Attempt]]:
        """Drive all transfers until at least one finishes, for at most ``seconds`` or until woken.

        :return: the key and attempt of each that finished; at once if nothing is in flight.
        """
        until = time.monotonic() + seconds
        while not self._finished and self._running:
            now = time.monotonic()
            wake_at = min(until, self._due_at, self._oldest.until)
            found = self._poll.poll(max(0.0, wake_at - now) * 1000)
            began = time.monotonic()
            if self._has_new:
                self._guard.end_idle(busy=self._watched)
                self._has_new = False
            for descriptor, events in found:
                if descriptor == self._woken.fileno():
                    self._woken.recv(_MAX_WAKINGS)
                    until = now
                    continue
                is_new = descriptor in self._shaking
                with self._guard, Corked(descriptor) if is_new else nullcontext():
                    # An error or a hang-up is for both.
                    self._multi.socket_action(
                        descriptor,
                        (pycurl.CSELECT_IN if events & ~select.POLLOUT else 0)
                        | (pycurl.CSELECT_OUT if events & ~select.POLLIN else 0),
                    )
            if time.monotonic() >= self._due_at:
                self._due_at = inf
                with self._guard:
                    self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            self._collect()
            took = time.monotonic() - began
            if took > _LONG_SECONDS:
                self._lengthen(took)
            self._expire(now)
            if now >= until:
                break
        finished, self._finished = self._finished, []
        return finished

    def wake(self) -> None:
        """Make :meth:`wait` return, or the next one if none is waiting. From any thread."""
        with suppress(BlockingIOError):  # a full socket wakes it as well
            self._waker.send(b"!")

    def close(self) -> None:
        """Abandon requests in flight and close all connections. Waits for name lookups to end."""
        with self._guard:
            for curl in self._running:
                self._multi.remove_handle(curl)
                curl.close()
            self._multi.close()
        self._running.clear()
        self._guard.close()
        self._blank.close()
        self._waker.close()
        self._woken.close()

    def _blank_handle(self) -> pycurl.Curl:
        """A handle with the options of all requests, which is copied and never sends.

        Copying it takes a tenth of the time of setting one up.
        """
        curl = pycurl.Curl()
        schemes = pycurl.PROTO_HTTPS | (pycurl.PROTO_HTTP if self._allow_private else 0)
        curl.setopt(pycurl.NOSIGNAL, 1)
        # Not HTTP/2: there, one broken connection fails all that share it, and names lose their case.
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.TIMEOUT_MS, round((self._timeout_seconds + _GRACE_SECONDS) * 1000))
        # No proxy of the environment, and no redirects.
        curl.setopt(pycurl.PROTOCOLS, schemes)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NOPROXY, "*")
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.HTTPAUTH, pycurl.HTTPAUTH_NONE)
        curl.setopt(pycurl.CAINFO, self._ca_bundle)
        curl.setopt(pycurl.SSL_VERIFYPEER, 1)
        curl.setopt(pycurl.SSL_VERIFYHOST, 2)
        curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
        # In a group of a server's own, of up to 10,000 bits, a handshake takes seconds of the processor.
        curl.setopt(pycurl.SSL_CIPHER_LIST, "DEFAULT:!kDHE")
        curl.setopt(pycurl.MAXAGE_CONN, _MAX_IDLE_SECONDS)
        curl.setopt(pycurl.MAXLIFETIME_CONN, _MAX_AGE_SECONDS)
        curl.setopt(pycurl.DNS_CACHE_TIMEOUT, _MAX_ADDRESS_AGE_SECONDS)
        # The body comes as it is sent, compressed or not. libcurl still finds a chunked one's end, and
        # without its decoding the framing counts as well, which may be endless.
        curl.setopt(pycurl.HTTP_TRANSFER_DECODING, 0)
        curl.setopt(pycurl.BUFFERSIZE, MAX_BODY_BYTES)
        curl.setopt(pycurl.UPLOAD_BUFFERSIZE, _MAX_WRITE_BYTES)
        return curl

    def _drop_too_old(self) -> None:
        """Drop all kept connections and cached addresses if any is older than libcurl can know.

        Its clock may stand still while Lambda has the process frozen. Meanwhile a load balancer forgets a
        connection, and nothing says so. Nothing may be in flight.
        """
        now, now_of_libcurl = self._clock(), time.monotonic()
        is_trusted = 0 <= now - self._dropped_at <= _MAX_AGE_SECONDS
        for descriptor, (used_at, used_at_of_libcurl) in list(self._last_uses.items()):
            if now_of_libcurl - used_at_of_libcurl > _MAX_IDLE_SECONDS:
                del self._last_uses[descriptor]  # libcurl drops it by itself
                continue
            # A clock that was set back says nothing of an age.
            is_trusted = is_trusted and 0 <= now - used_at <= _MAX_IDLE_SECONDS
            break
        if is_trusted:
            return
        # Not a new CurlMulti: closing the old one waits for its abandoned name lookups.
        self._guard.end_all()
        self._last_uses.clear()
        self._dropped_at = now
        self._looks_up_until = now_of_libcurl + _MAX_ADDRESS_AGE_SECONDS

    def _watch(self, what: int, descriptor: int, _multi: object, _data: object) -> None:
        if what in _EVENTS:
            self._poll.register(descriptor, _EVENTS[what])
            self._watched.add(descriptor)
        elif descriptor in self._watched:
            self._poll.unregister(descriptor)
            self._watched.remove(descriptor)

    def _set_timer(self, milliseconds: int) -> None:
        self._due_at = inf if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def _collect(self) -> None:
        _, complete, broken = self._multi.info_read()
        for curl in complete:
            self._finish(curl, pycurl.E_OK, "")
        for curl, code, message in broken:
            self._finish(curl, code, message)

    def _lengthen(self, seconds: float) -> None:
        """Move all deadlines by the time for which one transfer kept the others waiting."""
        for transfer in self._running.values():
            transfer.until = min(transfer.until + seconds, transfer.latest)

    def _expire(self, now: float) -> None:
        """End transfers that are over their deadline.

        Libcurl's own timeout would also end a response that came in time, if it could not be
        read in time because something else kept this thread busy.

        :param now: a time after which everything that had come was read.
        """
        while self._running and self._oldest.until <= now:
            self._finish(next(iter(self._running)), pycurl.E_OPERATION_TIMEDOUT, "")

    @property
    def _oldest(self) -> "_Transfer":
        return next(iter(self._running.values()))

    def _finish(self, curl: pycurl.Curl, code: int, message: str) -> None:
        transfer = self._running.pop(curl)
        # Connections that are not kept share the descriptor -1: their names' addresses are still cached.
        descriptor = curl.getinfo(pycurl.ACTIVESOCKET)
        self._shaking.discard(descriptor)
        self._last_uses.pop(descriptor, None)
        self._last_uses[descriptor] = (self._clock(), time.monotonic())
        with self._guard:
            self._multi.remove_handle(curl)
        self._finished.append((transfer.key, transfer.attempt(curl, code, message, self._timeout_seconds)))
        curl.close()


class _Transfer:
    """One request under way, and its response so far. Libcurl calls its methods, which never raise."""

    def __init__(
        self,
        key: str,
        at: float,
        url: str,
        *,
        timeout_seconds: float,
        allow_private: bool,
        guard: FloodGuard,
        shaking: set[int],
    ) -> None:
        self.key = key
        self.until = time.monotonic() + timeout_seconds
        self.latest = self.until + _MAX_MORE_SECONDS
        self._at = at
        self._url = url
        self._allow_private = allow_private
        self._guard = guard
        self._shaking = shaking
        self._refusal: str | None = None
        self._has_socket = False
        self._head_bytes = 0
        self._is_head_complete = False
        self._is_chunked = False
        self._retry_after: str | None = None
        self._body = bytearray()

    def open_socket(self, _purpose: int, address: pycurl.CurlSockAddr) -> int:
        """A socket for an address that a delivery may reach. None for another one defeats DNS rebinding.

        Without a socket, libcurl tries the next address of the name.
        """
        self._refusal = self._refused(address)
        if self._refusal is not None:
            return _NO_SOCKET
        try:
            opened = socket(address.family, address.socktype, address.protocol)
            opened.setsockopt(SOL_SOCKET, SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        except OSError as error:
            self._refusal = f"no socket could be opened: {error.strerror}"
            return _NO_SOCKET
        self._has_socket = True
        descriptor: int = opened.detach()
        self._guard.watch(descriptor)
        self._shaking.add(descriptor)
        return descriptor

    def take_header(self, line: bytes) -> int | None:
        """A line of a response's head; -1 stops the transfer."""
        self._head_bytes += len(line)
        if self._head_bytes > MAX_HEAD_BYTES:
            return -1
        if line.startswith(b"HTTP/"):  # after an informational response comes another
            self._is_head_complete = self._is_chunked = False
            self._retry_after = None
        elif line in {b"\r\n", b"\n"}:
            self._is_head_complete = True
        else:
            self._take_field(line)
        return None

    def _take_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        match name.lower():
            case b"transfer-encoding":
                self._is_chunked = b"chunked" in value.lower()
            case b"retry-after":
                self._retry_after = value.strip().decode("latin-1")

    def take_body(self, part: bytes) -> int | None:
        """Some of the body, as it was sent; -1 stops the transfer."""
        self._body += part[: MAX_BODY_BYTES - len(self._body)]
        return -1 if len(self._body) == MAX_BODY_BYTES else None

    def failed(self, error: str, times: Times) -> Attempt:
        """The attempt if no response came."""
        return Attempt(at=self._at, status=None, error=_plain(error), times=times)

    def attempt(self, curl: pycurl.Curl, code: int, message: str, timeout_seconds: float) -> Attempt:
        """The attempt after libcurl is done.

        :param code: libcurl's result. Only known parts of its ``message`` are used, because it may repeat
            what the destination sent.
        """
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        times = self._times(curl)
        if not self._is_head_complete or (status < 200 and status != _SWITCHING_PROTOCOLS):
            return self.failed(self._failure(curl, code, message, times, timeout_seconds), times)
        body = _unchunked(self._body) if self._is_chunked else self._body
        return Attempt(
            at=self._at,
            status=status,
            error=_status_error(status),
            times=times,
            response=body[:MAX_ANSWER_BYTES].decode(errors="replace"),
            retry_after=self._retry_after,
        )

    def _refused(self, address: pycurl.CurlSockAddr) -> str | None:
        """Why no delivery may go to an address that libcurl is about to connect to; None if one may."""
        if address.family not in {AF_INET, AF_INET6}:
            return "the address is none of the internet"
        if self._allow_private:
            return None
        host, port = address.addr[:2]
        if not is_public(ip_address(host)):
            return self._not_public(host)
        return None if port == HTTPS_PORT else f"the port {port} is not {HTTPS_PORT}"

    def _not_public(self, address: str) -> str:
        # The resolved address is not shown: it could reveal a private network to a stranger.
        if parse_plain(self._host) == ip_address(address):
            return f"the address {address} is not public"
        return f"the name {self._host} resolves to an address that is not public"

    def _times(self, curl: pycurl.Curl) -> Times:
        # libcurl's zero is a step that was not reached, or one that a kept connection did not need.
        is_kept = curl.getinfo(pycurl.REQUEST_SIZE) > 0 and curl.getinfo(pycurl.NUM_CONNECTS) == 0
        skipped = 0.0 if is_kept else None
        return Times(
            name_lookup_ms=_milliseconds(curl, pycurl.NAMELOOKUP_TIME, skipped),
            connect_ms=_milliseconds(curl, pycurl.CONNECT_TIME, skipped),
            tls_ms=_milliseconds(curl, pycurl.APPCONNECT_TIME, skipped) if self._is_https else None,
            # After some failures libcurl gives the time of the failure here.
            first_byte_ms=_milliseconds(curl, pycurl.STARTTRANSFER_TIME) if self._head_bytes else None,
            total_ms=round(curl.getinfo(pycurl.TOTAL_TIME) * 1000, 1),
        )

    @property
    def _is_https(self) -> bool:
        return self._url[:8].lower() == "https://"

    @property
    def _host(self) -> str:
        return (urlsplit(self._url).hostname or "")[:_MAX_HOST_CHARS]

    def _failure(
        self, curl: pycurl.Curl, code: int, message: str, times: Times, timeout_seconds: float
    ) -> str:
        """Why there was no response: the step, with nothing but the host, address or port."""
        match code:
            case pycurl.E_OPERATION_TIMEDOUT:
                return f"{self._missing(times)} within {timeout_seconds:g} s"
            case pycurl.E_COULDNT_RESOLVE_HOST:
                return f"the name {self._host} does not resolve"
            case pycurl.E_COULDNT_CONNECT if self._refusal and not self._has_socket:
                return self._refusal
            case pycurl.E_COULDNT_CONNECT:
                number = curl.getinfo(pycurl.OS_ERRNO)
                return os.strerror(number).lower() if number else "no connection"
            case pycurl.E_PEER_FAILED_VERIFICATION:
                verdict = _CERTIFICATE_VERDICT.search(message)
                return f"the certificate is not valid: {verdict[1] if verdict else f'not for {self._host}'}"
            case pycurl.E_SSL_CONNECT_ERROR:
                return f"the TLS handshake failed: {_tls_reason(message) or 'the connection was closed'}"
            case pycurl.E_GOT_NOTHING | pycurl.E_SEND_ERROR | pycurl.E_RECV_ERROR | pycurl.E_OK:
                where = "within the answer's headers" if self._head_bytes else "before an answer"
                reason = _tls_reason(message)
                # In TLS 1.3 an alert about the client's last flight comes after the handshake.
                return f"the connection was closed {where}{f': {reason}' if reason else ''}"
            case pycurl.E_WRITE_ERROR | 100:  # CURLE_TOO_LARGE: a single line; pycurl has no name for it
                return f"the answer's headers are longer than {MAX_HEAD_BYTES // 1024} KB"
            case pycurl.E_URL_MALFORMAT:
                return "the URL is malformed"
            case pycurl.E_UNSUPPORTED_PROTOCOL if times.connect_ms is None:
                return "the URL's scheme is not https"
            case pycurl.E_UNSUPPORTED_PROTOCOL:
                return "the answer is not HTTP"
            case pycurl.E_FTP_WEIRD_SERVER_REPLY:  # today CURLE_WEIRD_SERVER_REPLY, and of HTTP too
                status = curl.getinfo(pycurl.RESPONSE_CODE)
                is_length = "Content-Length" in message
                return f"answered {status} with {_BAD_LENGTH if is_length else 'a malformed header'}"
            case _:
                return f"the request failed: {pycurl.easy_strerror(code)}"

    def _missing(self, times: Times) -> str:
        """The step that was missing at the deadline."""
        if self._head_bytes:
            return "no end of the answer's headers"
        if times.name_lookup_ms is None:
            return f"no address for the name {self._host}"
        if times.connect_ms is None:  # which libcurl says once TLS is done too
            return "no connection or no TLS handshake" if self._is_https else "no connection"
        return "no answer"


def _prepare(curl: pycurl.Curl, transfer: _Transfer, request: OutgoingRequest) -> None:
    # libcurl rewrites escapes (%2f becomes %2F), so it gets the target apart, and never parses it.
    origin, target = split_target(request.url)
    curl.setopt(pycurl.URL, f"{origin}/")
    curl.setopt(pycurl.REQUEST_TARGET, target)
    curl.setopt(pycurl.POSTFIELDS, request.body)  # and so the method is POST
    curl.setopt(pycurl.HTTPHEADER, _header_lines(request.headers))
    curl.setopt(pycurl.OPENSOCKETFUNCTION, transfer.open_socket)
    curl.setopt(pycurl.HEADERFUNCTION, transfer.take_header)
    curl.setopt(pycurl.WRITEFUNCTION, transfer.take_body)


def _header_lines(headers: Mapping[str, str]) -> list[bytes]:
    """Headers in libcurl's form.

    :raises ValueError: for a name that is not a token, a control character, or text that is not valid UTF-8.
    """
    lines = []
    for name, value in headers.items():
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise ValueError("a malformed header")
        # To libcurl, "Name:" means that the header is not to be sent.
        lines.append((f"{name}: {value}" if value.strip() else f"{name};").encode())
    return lines + _SUPPRESSED


def _unchunked(raw: bytearray) -> bytearray:
    """The content of chunks, as far as they came (RFC 9112, 7.1). Never raises."""
    body, position = bytearray(), 0
    while (line := _CHUNK.match(raw, position)) and (size := int(line[1], 16)):
        position = line.end() + size
        body += raw[line.end() : position]
    return body


def _status_error(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if status in _REDIRECTS:
        return f"answered {status}: redirects are not followed"
    return f"answered {status}"


def _tls_reason(message: str) -> str | None:
    """OpenSSL's words in a message of libcurl: an alert's name, or the problem. None for a plain end."""
    reason = _OPENSSL_REASON.search(message)
    if reason is None or reason[1] == _END_OF_FILE:
        return None
    return _UNNAMED_ALERT.sub(lambda number: f"alert {int(number[1])}", reason[1])


def _milliseconds(curl: pycurl.Curl, step: int, missing: float | None = None) -> float | None:
    seconds = curl.getinfo(step)
    return round(seconds * 1000, 1) if seconds > 0 else missing


def _plain(error: str) -> str:
    return _CONTROL.sub(" ", error)[:MAX_ERROR_CHARS]
