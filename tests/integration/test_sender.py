"""The sender over real sockets: what it sends, what it makes of answers, and where it never goes."""

import datetime
import gzip
import re
import socket
import ssl
import threading
import time
from contextlib import ExitStack
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from types import SimpleNamespace

import psutil
import pycurl
import pytest
import trustme
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from storehooks.adapters import sender as sender_module
from storehooks.adapters.sender import MAX_BODY_BYTES, Sender
from storehooks.domain.address import is_public, parse_plain
from storehooks.domain.attempt import Attempt, OutgoingRequest
from storehooks.domain.destination import check_destination
from storehooks.domain.errors import InvalidValueError
from storehooks.domain.headers import check_headers
from storehooks.domain.retry import RetrySchedule
from tests.integration.key_updates import alert, key_updates, server_secret
from tests.integration.receivers import OK, Connection, Receiver, answering_once, responding
from tests.optional import holds_back_what_is_written, tells_what_came_on_a_socket

SECRET = "s3cr3t"  # in the path, query and headers of every request; never to be in an error
HEADERS = {"X-Key": SECRET, "Content-Type": "application/json"}
LONG_SECONDS = 60


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_bundle(authority, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def tls(authority) -> ssl.SSLContext:
    names = ("localhost", "127.0.0.1", "127.0.0.2", "app.example.com")
    return server_context(authority.issue_cert(*names))


@pytest.fixture
def opened():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def receiver(opened, tls):
    """Starts a receiver that behaves as told, with TLS unless told otherwise."""

    def start(behave, context=tls, **where) -> Receiver:
        return opened.enter_context(Receiver(behave, context, **where))

    return start


@pytest.fixture
def new_sender(opened, ca_bundle):
    """A sender that trusts the tests' authority and may go anywhere, unless told otherwise."""

    def create(**options) -> Sender:
        given = {"timeout_seconds": 3.0, "allow_private": True, "ca_bundle": ca_bundle}
        sender = Sender(**(given | options))
        opened.callback(sender.close)
        return sender

    return create


@pytest.fixture
def sender(new_sender) -> Sender:
    return new_sender()


class StoppedClock:
    """The clock by which the sender measures deadlines and waits. It stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def stopped_clock(monkeypatch) -> StoppedClock:
    clock = StoppedClock()
    monkeypatch.setattr(sender_module, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def _no_callback_raises(capfd):
    """pycurl prints what a callback raises, and goes on."""
    yield
    assert "Traceback" not in capfd.readouterr().err


def finish(sender: Sender) -> dict[str, Attempt]:
    """All that is in flight, once it is done."""
    finished: dict[str, Attempt] = {}
    while sender.in_flight:
        finished |= dict(sender.wait(5))
    for attempt in finished.values():
        check(attempt)
    return finished


def check(attempt: Attempt) -> None:
    """What holds for every attempt."""
    assert attempt.succeeded == (attempt.status is not None and 200 <= attempt.status < 300)
    assert attempt.times.total_ms >= 0
    if attempt.error is not None:
        assert SECRET not in attempt.error
        assert attempt.error.isprintable()
        assert 0 < len(attempt.error) <= 200


def send(sender: Sender, url: str, headers=HEADERS, body: bytes = b"{}") -> Attempt:
    sender.start("only", OutgoingRequest(url, headers, body))
    return finish(sender)["only"]


def nothing_ends_until(sender: Sender, is_there) -> None:
    """Drive the sender, with its clock stopped, until something is there."""
    while not is_there():
        assert sender.wait(0) == []
        time.sleep(0.001)
    assert sender.wait(0) == [], "what was sent to it meanwhile is read"


def ended_at(sender: Sender, clock: StoppedClock, moment: float) -> dict[str, Attempt]:
    """What ends at that moment, and not a moment before."""
    clock.now = moment - 0.001
    assert sender.wait(0) == []
    clock.now = moment
    finished = dict(sender.wait(0))
    for attempt in finished.values():
        check(attempt)
    return finished


def check_not_ended_by_its_deadline(attempt: Attempt) -> None:
    """Of a sender whose deadline is LONG_SECONDS: far more than reading up to a limit can take."""
    assert attempt.times.total_ms < LONG_SECONDS * 1000 / 2


RECEIVING = (Path(__file__).parents[2] / "docs" / "receiving.md").read_text()


def is_documented(error: str | None) -> bool:
    """Whether the page for receivers has an error word for word."""
    return f"`{error}`" in RECEIVING


def secret_url(receiver: Receiver, **options) -> str:
    return receiver.url(f"/{SECRET}?key={SECRET}", **options)


# What is sent


def test_a_request_is_sent_byte_for_byte_with_nothing_added_but_host_and_length(sender, receiver):
    target = receiver(responding(OK))
    headers = {
        "webhook-id": "msg_1",
        "X-MiXeD-CaSe": "a:b; c",
        "X-Utf8": "Grüße, 世界",
        "X-Empty": "",
        "User-Agent": "storehooks",
    }
    body = bytes(range(256)) * 10
    assert send(sender, target.url("/orders?a=1&b=%20"), headers, body).succeeded
    [received] = target.requests
    assert received.line == "POST /orders?a=1&b=%20 HTTP/1.1"
    assert received.body == body
    assert sorted(received.headers) == sorted(
        [
            f"Host: localhost:{target.port}",
            "webhook-id: msg_1",
            "X-MiXeD-CaSe: a:b; c",
            "X-Utf8: Grüße, 世界",
            "X-Empty:",
            "User-Agent: storehooks",
            f"Content-Length: {len(body)}",
        ]
    )


@pytest.mark.parametrize("body", [b"", b"x" * 1_500_000])
def test_a_body_of_any_size_is_sent_at_once_without_asking_whether_to_continue(sender, receiver, body):
    target = receiver(responding(OK))
    assert send(sender, target.url(), {}, body).succeeded
    [received] = target.requests
    assert received.body == body
    assert sorted(received.headers) == [f"Content-Length: {len(body)}", f"Host: localhost:{target.port}"]


def test_the_path_goes_as_it_was_registered(sender, receiver):
    target = receiver(responding(OK))
    assert send(sender, target.url("/a/../b//./%2E%2E/c?x=../%41")).succeeded
    assert target.requests[0].line == "POST /a/../b//./%2E%2E/c?x=../%41 HTTP/1.1"


def test_host_and_server_name_are_those_of_the_destination(sender, receiver, authority):
    names: list[str | None] = []
    context = server_context(authority.issue_cert("localhost"))
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    target = receiver(responding(OK), context)
    assert send(sender, target.url()).succeeded
    assert names == ["localhost"]
    assert f"Host: localhost:{target.port}" in target.requests[0].headers


def test_a_receiver_that_offers_http_2_is_sent_http_1_1(sender, receiver, authority):
    context = server_context(authority.issue_cert("localhost"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    assert send(sender, receiver(responding(OK), context).url()).succeeded


ALPN_OF_HTTP_1_1 = b"\x00\x10\x00\x0b\x00\x09\x08http/1.1"  # RFC 7301, 3.1: the extension, with one name


def test_a_receiver_that_speaks_only_http_2_refuses_the_handshake(sender, receiver):
    hellos: list[bytes] = []

    def behave(connection: Connection) -> None:
        hellos.append(connection.receive_raw())
        connection.send(b"\x15\x03\x03\x00\x02\x02\x78")  # RFC 7301, 3.2: no_application_protocol

    attempt = send(sender, secret_url(receiver(behave, None)).replace("http:", "https:"))
    assert (attempt.status, attempt.error) == (
        None,
        "the TLS handshake failed: tlsv1 alert no application protocol",
    )
    assert is_documented(attempt.error)
    assert ALPN_OF_HTTP_1_1 in hellos[0]


def test_a_receiver_that_speaks_http_2_without_asking_sends_no_http_1_1(sender, receiver):
    http_2_settings = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80"
    attempt = send(sender, receiver(answering_once(http_2_settings)).url())
    assert (attempt.status, attempt.error) == (None, "the answer is not HTTP")
    assert is_documented(attempt.error)


@pytest.mark.parametrize("name", ["my_app.shop.localhost", "xn--ls8h.shop.localhost", "xn--a.shop.localhost"])
def test_a_name_with_underscores_or_in_ascii_form_is_asked_for_and_verified_as_it_is(
    sender, receiver, authority, name
):
    asked: list[str | None] = []
    context = server_context(authority.issue_cert("*.shop.localhost"))
    context.sni_callback = lambda _sock, server_name, _context: asked.append(server_name)
    target = receiver(responding(OK), context)
    destination = check_destination(target.url(host=name), allow_private=True)
    assert send(sender, destination).succeeded  # libcurl resolves what ends in .localhost by itself
    assert asked == [name]
    assert f"Host: {name}:{target.port}" in target.requests[0].headers


def test_a_certificate_for_another_name_does_not_cover_one_with_underscores(sender, receiver, authority):
    target = receiver(responding(OK), server_context(authority.issue_cert("*.store.localhost")))
    assert send(sender, target.url(host="my_app.shop.localhost")).error == (
        "the certificate is not valid: not for my_app.shop.localhost"
    )


def test_a_name_of_compose_is_looked_up_as_it_is(new_sender, receiver, monkeypatch):
    target = receiver(responding(OK), None)

    class Curl(pycurl.Curl):
        def duphandle(self) -> pycurl.Curl:
            curl = super().duphandle()
            curl.setopt(pycurl.RESOLVE, [f"my_app:{target.port}:127.0.0.1"])
            return curl

    monkeypatch.setattr(sender_module.pycurl, "Curl", Curl)
    destination = check_destination(target.url(host="my_app"), allow_private=True)
    assert send(new_sender(), destination).succeeded
    assert f"Host: my_app:{target.port}" in target.requests[0].headers


def test_nothing_of_one_request_is_in_another_to_the_same_host(sender, receiver):
    greedy = b"HTTP/1.1 401 No\r\nSet-Cookie: a=b\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
    target = receiver(responding(greedy, OK))
    send(sender, target.url(), {"Authorization": f"Bearer {SECRET}", "X-One": "1"}, b"one")
    send(sender, target.url(), {"X-Two": "2"}, b"two")
    assert target.connections == 1
    assert target.requests[1].body == b"two"
    assert sorted(target.requests[1].headers) == [
        "Content-Length: 3",
        f"Host: localhost:{target.port}",
        "X-Two: 2",
    ]


def test_credentials_in_a_url_or_a_netrc_file_are_not_sent(sender, receiver, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine localhost login me password pw\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    target = receiver(responding(OK))
    assert send(sender, target.url().replace("//", "//user:pw@")).succeeded
    assert send(sender, target.url()).succeeded
    for received in target.requests:
        assert not any(header.lower().startswith("authorization") for header in received.headers)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://[::1", {}),
        ("https://a b/", {}),
        ("https://app.example.com:99999/", {}),
        ("https://app.example.com/\r\nX: y", {}),
        ("https://app.example.com/\0", {}),
        ("https://müller.example/", {}),
        ("https://\ud800/", {}),
        ("https://app.example.com/\r\n\r\nGET / HTTP/1.1\r\n", {}),
        ("https://app.example.com/\nX: y", {}),
        ("https://app.example.com\r\nX: y/", {}),
        ("", {}),
        ("ftp://app.example.com/", {}),
        ("file:///etc/passwd", {}),
        ("https://app.example.com/", {"X": f"a\r\nY: {SECRET}"}),
        ("https://app.example.com/", {"X": "a\nb"}),
        ("https://app.example.com/", {"X": "\0"}),
        ("https://app.example.com/", {"X": "\ud800"}),
        ("https://app.example.com/", {"X\r\nY": "b"}),
        ("https://app.example.com/", {"X: a": "b"}),
        ("https://app.example.com/", {"": "b"}),
    ],
)
def test_a_malformed_request_is_a_failed_attempt_and_no_more(sender, receiver, url, headers):
    target = receiver(responding(OK))
    sender.start("malformed", OutgoingRequest(url, headers, b""))
    sender.start("fine", OutgoingRequest(target.url(), {}, b""))
    finished = finish(sender)
    assert finished["fine"].succeeded
    assert finished["malformed"].status is None
    assert re.search(r"malformed|scheme", finished["malformed"].error or "")


# Whatever was admitted is sent as one request and no more


@pytest.fixture(scope="module")
def written_down():
    """A receiver of plain requests, and a sender to it, for many examples."""
    sender = Sender(timeout_seconds=3, allow_private=True)
    with Receiver(responding(OK), None) as target:
        yield sender, target
        sender.close()


# Near to what could break out: line ends, colons, spaces, and whatever else there is.
near_names = st.text(st.sampled_from("aZ0-_.:! \r\n\t\0é") | st.characters(codec="utf-8"), max_size=8)
near_values = st.text(st.sampled_from("a:,; \r\n\t\0\x85\u2028é") | st.characters(codec="utf-8"), max_size=12)


@given(
    st.dictionaries(st.from_regex(r"[A-Za-z-]{1,8}", fullmatch=True) | near_names, near_values, max_size=3)
)
@settings(max_examples=300, deadline=None)
def test_whatever_headers_are_admitted_are_sent_as_one_line_each(written_down, headers):
    sender, target = written_down
    try:
        admitted = check_headers(headers)
    except InvalidValueError:
        return
    target.requests.clear()
    assert send(sender, target.url("/"), admitted, b"{}").succeeded
    [received] = target.requests
    lines = [f"{name}: {value}" if value else f"{name}:" for name, value in admitted.items()]
    assert sorted(received.headers) == sorted([f"Host: localhost:{target.port}", "Content-Length: 2", *lines])
    assert received.body == b"{}"


# What a parser on the way could change: escapes, dots, slashes, empty parts.
target_parts = st.sampled_from(
    [
        "/",
        "//",
        "/.",
        "/..",
        "/%2e%2E",
        "?",
        "&",
        "=",
        "%2f",
        "%2F",
        "%c3%A9",
        "%7e",
        "%41",
        "%00",
        "%25",
        "+",
    ]
) | st.sampled_from("aZ0-._~!$&'()*+,;=:@/?")
targets = st.builds(
    str.__add__, st.sampled_from(["/", "?"]), st.lists(target_parts, max_size=12).map("".join)
)


@given(
    targets
    | st.text(st.sampled_from("/?&=%2e0dA a@:\\\r\n\t\0#é") | st.characters(codec="utf-8"), max_size=12)
)
@example("/a%2fb?x=%c3")
@example("/a%2Fb?x=%C3")
@example("?x=%c3")
@example("?")
@example("/?")
@example("")
@example("//a//")
@example("/a/../b/./c/%2e%2e/..")
@example("/a?b?c=/d/../e")
@example("/%41%7e!$&'()*+,;=:@")
@settings(max_examples=600, deadline=None)
def test_whatever_destination_is_admitted_is_asked_for_as_it_is(written_down, rest):
    sender, target = written_down
    try:
        admitted = check_destination(target.url(rest), allow_private=True)
    except InvalidValueError:
        return
    target.requests.clear()
    assert send(sender, admitted, {}, b"{}").succeeded
    [received] = target.requests
    path = rest if rest.startswith("/") else f"/{rest}"
    assert received.line == f"POST {path} HTTP/1.1"
    assert sorted(received.headers) == ["Content-Length: 2", f"Host: localhost:{target.port}"]


# What answers come to


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(sender, receiver, status):
    length = "" if status == 204 else "Content-Length: 0\r\n"
    attempt = send(sender, receiver(responding(f"HTTP/1.1 {status} Fine\r\n{length}\r\n".encode())).url())
    assert (attempt.status, attempt.error, attempt.response) == (status, None, "")


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503, 600, 999])
def test_another_status_is_a_failure_that_names_it(sender, receiver, status):
    response = f"HTTP/1.1 {status} {SECRET}\r\nContent-Length: 4\r\n\r\nwhat".encode()
    attempt = send(sender, receiver(responding(response)).url())
    assert (attempt.status, attempt.error, attempt.response) == (status, f"answered {status}", "what")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(sender, receiver, status):
    elsewhere = receiver(responding(OK))
    response = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere.url()}\r\nContent-Length: 0\r\n\r\n".encode()
    attempt = send(sender, receiver(responding(response)).url())
    assert (attempt.status, attempt.error) == (status, f"answered {status}: redirects are not followed")
    assert is_documented(attempt.error.replace(str(status), "301"))
    assert elsewhere.connections == 0


def test_a_hint_before_the_answer_is_passed_over(sender, receiver):
    hint = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n\r\n"
    attempt = send(sender, receiver(responding(hint + OK)).url())
    assert (attempt.status, attempt.response, attempt.retry_after) == (200, "ok", None)


def test_switching_protocols_is_no_success(sender, receiver):
    attempt = send(sender, receiver(answering_once(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n")).url())
    assert (attempt.status, attempt.error) == (101, "answered 101")


@pytest.mark.parametrize("status", [300, 304, 305, 306, 399])
def test_a_3xx_that_is_no_redirect_is_said_as_it_is(sender, receiver, status):
    elsewhere = receiver(responding(OK))
    response = f"HTTP/1.1 {status} X\r\nLocation: {elsewhere.url()}\r\nContent-Length: 0\r\n\r\n".encode()
    attempt = send(sender, receiver(responding(response)).url())
    assert (attempt.status, attempt.error) == (status, f"answered {status}")
    assert elsewhere.connections == 0
    assert is_documented(attempt.error) == (status in {300, 304})


@pytest.mark.parametrize("status", [200, 410, 503])
@pytest.mark.parametrize(
    "lines",
    [
        *(
            "Content-Length:",
            "Content-Length: ",
            "content-length:\t",
            "Content-Length: s3cr3t",
            "Content-Length: -1",
        ),
        *("Content-Length: +2", "Content-Length: 0x2", "Content-Length: 2.0", "Content-Length: 2s3cr3t"),
        "Content-Length: 2\r\nContent-Length: 3",
    ],
)
def test_a_response_with_a_malformed_length_is_no_response_and_says_so(sender, receiver, status, lines):
    """RFC 9112, 6.3: such a response is discarded."""
    response = f"HTTP/1.1 {status} X\r\nRetry-After: 9\r\n{lines}\r\n\r\nok".encode()
    target = receiver(responding(response))
    for _ in range(2):
        attempt = send(sender, secret_url(target))
        assert attempt.error == f"answered {status} with an empty or malformed Content-Length"
        assert (attempt.status, attempt.response, attempt.retry_after) == (None, "", None)
    assert target.connections == 2, "what follows is not read as the next response"
    assert is_documented(attempt.error.replace(str(status), "200"))


@pytest.mark.parametrize("line", ["s3cr3t", "X-A: \0", "Content-Length"])
def test_a_response_with_a_malformed_header_is_no_response_and_says_so(sender, receiver, line):
    response = f"HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 2\r\n\r\nok".encode()
    attempt = send(sender, secret_url(receiver(responding(response))))
    assert (attempt.status, attempt.error) == (None, "answered 200 with a malformed header")
    assert is_documented(attempt.error)


@pytest.mark.parametrize(
    "lines", ["Content-Length: 2, 2", "Content-Length: 2\r\nContent-Length: 2", f"Content-Length: {'9' * 30}"]
)
def test_a_length_that_is_repeated_or_beyond_all_bounds_makes_no_difference(sender, receiver, lines):
    response = f"HTTP/1.1 200 OK\r\n{lines}\r\n\r\nok".encode()
    attempt = send(sender, receiver(answering_once(response)).url())
    assert (attempt.status, attempt.error, attempt.response) == (200, None, "ok")


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ("Retry-After: 120", "120"),
        ("retry-after:Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ("Retry-After: 1\r\nRetry-After: 2", "2"),
        ("Retry-After: " + "9" * 65, "9" * 65),
        ("Retry-After: " + "9" * 15_000, "9" * 15_000),
        ("X-Retry-After: 1", None),
    ],
)
def test_the_retry_after_header_is_kept_as_it_came(sender, receiver, headers, kept):
    response = f"HTTP/1.1 503 Later\r\n{headers}\r\nContent-Length: 0\r\n\r\n".encode()
    assert send(sender, receiver(responding(response)).url()).retry_after == kept


@pytest.mark.parametrize("seconds", ["9999999999", "9" * 20, "9" * 70])
def test_the_longest_wait_is_meant_by_any_number_that_is_longer(sender, receiver, seconds):
    response = f"HTTP/1.1 503 Later\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\r\n".encode()
    attempt = send(sender, receiver(responding(response)).url())
    schedule = RetrySchedule.parse("60")
    assert schedule.wait_after(1, retry_after=attempt.retry_after, now=attempt.at) == 120


def chunked(*chunks: bytes) -> bytes:
    framed = b"".join(b"%x;name=value\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\nX-Trailer: 1\r\n\r\n"


def test_the_first_kb_of_an_answer_is_kept_as_text(sender, receiver):
    body = "ü".encode() * 600
    response = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    assert send(sender, receiver(responding(response)).url()).response == "ü" * 512
    binary = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\x00a"
    assert send(sender, receiver(responding(binary)).url()).response == "\N{REPLACEMENT CHARACTER}\0a"


def test_a_chunked_answer_is_kept_without_its_framing_and_its_connection_too(sender, receiver):
    target = receiver(responding(chunked(b"one ", b"two", b"x" * 2000)))
    for _ in range(2):
        attempt = send(sender, target.url())
        assert attempt.succeeded
        assert attempt.response == "one two" + "x" * 1017
    assert target.connections == 1


def test_the_times_of_an_attempt_ascend_and_a_kept_connection_needs_no_steps(new_sender, receiver):
    sender = new_sender(clock=lambda: 1234.5)
    target = receiver(responding(OK))
    first, second = send(sender, target.url()), send(sender, target.url())
    assert first.at == second.at == 1234.5
    times = first.times
    steps = [times.name_lookup_ms, times.connect_ms, times.tls_ms, times.first_byte_ms, times.total_ms]
    assert None not in steps
    assert steps == sorted(steps)
    assert times.tls_ms > 0
    times = second.times
    assert (times.name_lookup_ms, times.connect_ms, times.tls_ms) == (0, 0, 0)
    assert 0 <= times.first_byte_ms <= times.total_ms


def test_the_times_of_an_attempt_are_milliseconds(sender, receiver):
    def behave(connection):
        connection.read_request()
        connection.pause(0.05)
        connection.send(OK)

    times = send(sender, receiver(behave).url()).times
    # Not seconds, and not microseconds.
    assert 45 <= times.first_byte_ms <= times.total_ms < 45_000


def test_plain_http_has_no_tls_time(sender, receiver):
    target = receiver(responding(OK), None)
    for _ in range(2):
        attempt = send(sender, target.url())
        assert attempt.succeeded
        assert attempt.times.tls_ms is None


# Failures


def test_a_name_that_does_not_resolve_is_named(sender):
    attempt = send(sender, f"https://nothing.invalid/{SECRET}")
    assert attempt.error == "the name nothing.invalid does not resolve"
    assert attempt.times.name_lookup_ms is None
    long_name = ".".join(["a" * 60] * 4) + ".invalid"
    error = send(sender, f"https://{long_name}/").error
    assert error == f"the name {long_name[:120]} does not resolve"


def test_a_refused_connection_is_called_so(sender):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    attempt = send(sender, f"https://127.0.0.1:{port}/{SECRET}")
    assert (attempt.status, attempt.error) == (None, "connection refused")
    assert attempt.times.name_lookup_ms is not None
    assert attempt.times.connect_ms is None


def test_a_certificate_must_be_valid(new_sender, receiver, authority, tls):
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    expired = authority.issue_cert("localhost", not_after=yesterday)
    other = authority.issue_cert("other.example.com")
    cases = [
        (tls, {"ca_bundle": None}, "unable to get local issuer certificate"),
        (server_context(trustme.CA().issue_cert("localhost")), {}, "unable to get local issuer certificate"),
        (server_context(expired), {}, "certificate has expired"),
        (server_context(other), {}, "not for localhost"),
    ]
    for context, options, reason in cases:
        target = receiver(responding(OK), context)
        attempt = send(new_sender(**options), secret_url(target))
        assert attempt.error == f"the certificate is not valid: {reason}"
        assert attempt.times.connect_ms is not None
        assert attempt.times.tls_ms is None
        assert target.requests == []


def test_the_name_must_fit_an_address_as_well(sender, receiver, authority):
    target = receiver(responding(OK), server_context(authority.issue_cert("localhost")))
    assert send(sender, target.url(host="127.0.0.1")).error == (
        "the certificate is not valid: not for 127.0.0.1"
    )


def test_tls_older_than_1_2_is_refused(sender, receiver, authority):
    context = server_context(authority.issue_cert("localhost"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    attempt = send(sender, receiver(responding(OK), context).url())
    assert "TLS handshake failed" in attempt.error


def test_plain_text_in_place_of_tls_is_a_failed_handshake(sender, receiver):
    target = receiver(lambda connection: connection.send(OK), None)
    attempt = send(sender, secret_url(target).replace("http:", "https:"))
    assert attempt.error == "the TLS handshake failed: wrong version number"


@holds_back_what_is_written
@pytest.mark.parametrize("size", [2, 70_000])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_receiver_that_wants_a_client_certificate_is_said_to(sender, receiver, authority, version, size):
    """With TLS 1.3 its alert comes after the handshake, and it may reset the connection right after."""
    context = server_context(authority.issue_cert("localhost"))
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    target = receiver(responding(OK), context)
    expected = {
        ssl.TLSVersion.TLSv1_2: "the TLS handshake failed: ssl/tls alert handshake failure",
        ssl.TLSVersion.TLSv1_3: (
            "the connection was closed before an answer: tlsv13 alert certificate required"
        ),
    }[version]
    for _ in range(10):
        attempt = send(sender, secret_url(target), body=b"x" * size)
        assert (attempt.status, attempt.error) == (None, expected)
    assert target.requests == []
    assert is_documented(attempt.error) == (version == ssl.TLSVersion.TLSv1_3)


# Of each alert that ends a connection the number, and OpenSSL's words (RFC 8446, 6.2, RFC 5246, RFC 9849).
ALERTS = {
    10: "ssl/tls alert unexpected message",
    20: "ssl/tls alert bad record mac",
    21: "tlsv1 alert decryption failed",
    22: "tlsv1 alert record overflow",
    40: "ssl/tls alert handshake failure",
    42: "ssl/tls alert bad certificate",
    43: "ssl/tls alert unsupported certificate",
    44: "ssl/tls alert certificate revoked",
    45: "ssl/tls alert certificate expired",
    46: "ssl/tls alert certificate unknown",
    47: "ssl/tls alert illegal parameter",
    48: "tlsv1 alert unknown ca",
    49: "tlsv1 alert access denied",
    50: "tlsv1 alert decode error",
    51: "tlsv1 alert decrypt error",
    70: "tlsv1 alert protocol version",
    71: "tlsv1 alert insufficient security",
    80: "tlsv1 alert internal error",
    86: "tlsv1 alert inappropriate fallback",
    100: "tlsv1 alert no renegotiation",
    109: "tlsv13 alert missing extension",
    110: "tlsv1 unsupported extension",
    112: "tlsv1 unrecognized name",
    113: "tlsv1 bad certificate status response",
    115: "tlsv1 alert unknown psk identity",
    116: "tlsv13 alert certificate required",
    120: "tlsv1 alert no application protocol",
    121: "alert 121",
    255: "alert 255",
}


@pytest.fixture
def alerting(receiver, authority, tmp_path):
    """Starts a receiver that sends an alert once the handshake is done, and closes."""

    def start(number: int, *, reads: bool, start: bytes = b"") -> Receiver:
        key_log = tmp_path / "keys"
        context = server_context(authority.issue_cert("localhost"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0
        context.keylog_filename = str(key_log)

        def behave(connection: Connection) -> None:
            if reads:
                connection.read_request()
            if start:
                connection.send(start)
            connection.send_raw(alert(server_secret(key_log), 1 if start else 0, number))

        return receiver(behave, context)

    return start


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("number", ALERTS)
def test_an_alert_after_the_handshake_is_named(sender, alerting, number, reads):
    attempt = send(sender, secret_url(alerting(number, reads=reads)))
    assert (attempt.status, attempt.error) == (
        None,
        f"the connection was closed before an answer: {ALERTS[number]}",
    )


def test_an_alert_within_a_response_is_named_until_its_headers_are_there(sender, alerting):
    attempt = send(sender, secret_url(alerting(80, reads=True, start=b"HTTP/1.1 200 OK\r\nX-A")))
    assert attempt.error == (
        "the connection was closed within the answer's headers: tlsv1 alert internal error"
    )
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"
    attempt = send(sender, secret_url(alerting(80, reads=True, start=whole)))
    assert (attempt.status, attempt.error, attempt.response) == (200, None, "ok")


def test_what_is_no_record_of_tls_is_said_as_it_is(sender, receiver):
    def behave(connection: Connection) -> None:
        connection.read_request()
        connection.send_raw(OK)

    assert send(sender, secret_url(receiver(behave))).error == (
        "the connection was closed before an answer: bad record type"
    )


def hang(connection) -> None:
    connection.read_request()
    connection.pause()


@pytest.mark.parametrize(
    ("start", "error"),
    [
        (b"", "no answer"),
        (b"HTTP/1.1 ", "no answer"),
        (b"HTTP/1.1 200 OK\r\nX-A: b\r\n", "no end of the answer's headers"),
        (b"HTTP/1.1 200 OK\r\n \t\r\n \r\n", "no end of the answer's headers"),
        (b"HTTP/1.1 103 Hints\r\n\r\n", "no end of the answer's headers"),
    ],
)
def test_one_deadline_ends_an_answer_that_hangs(new_sender, receiver, stopped_clock, start, error):
    sender = new_sender(timeout_seconds=0.4)
    has_begun = threading.Event()

    def behave(connection):
        connection.read_request()
        connection.send(start)
        has_begun.set()
        connection.pause()

    began = stopped_clock.now
    sender.start("only", OutgoingRequest(secret_url(receiver(behave), host="127.0.0.1"), HEADERS, b"{}"))
    nothing_ends_until(sender, has_begun.is_set)
    attempt = ended_at(sender, stopped_clock, began + 0.4)["only"]
    assert (attempt.status, attempt.error) == (None, f"{error} within 0.4 s")


@pytest.mark.parametrize(
    ("start", "drip", "status", "error"),
    [
        (b"HTTP/1.1 200", b" ", None, "no answer within 0.4 s"),
        (b"HTTP/1.1 200\r\n", b"X", None, "no end of the answer's headers within 0.4 s"),
        (b"HTTP/1.1 200\r\n", b"X: y\r\n", None, "no end of the answer's headers within 0.4 s"),
        (b"HTTP/1.1 200\r\n\r\nok", b"!", 200, None),
        (b"HTTP/1.1 500 X\r\n\r\nwhy", b"!", 500, "answered 500"),
    ],
)
def test_a_drip_does_not_move_the_deadline(new_sender, receiver, stopped_clock, start, drip, status, error):
    sender = new_sender(timeout_seconds=0.4)
    drops = 0

    def behave(connection):
        nonlocal drops
        connection.read_request()
        connection.send(start)
        while True:
            connection.send(drip)
            drops += 1
            connection.pause(0.002)

    began = stopped_clock.now
    sender.start("only", OutgoingRequest(secret_url(receiver(behave), host="127.0.0.1"), HEADERS, b"{}"))
    nothing_ends_until(sender, lambda: drops > 1)
    stopped_clock.now = began + 0.399
    before = drops
    nothing_ends_until(sender, lambda: drops > before + 1)
    attempt = ended_at(sender, stopped_clock, began + 0.4)["only"]
    assert (attempt.status, attempt.error) == (status, error)


def test_a_handshake_counts_into_the_deadline(new_sender, receiver):
    sender = new_sender(timeout_seconds=0.3)
    target = receiver(lambda connection: connection.pause(), None)
    attempt = send(sender, secret_url(target).replace("http:", "https:"))
    assert attempt.error == "no connection or no TLS handshake within 0.3 s"


def test_a_connection_that_is_not_accepted_counts_into_the_deadline(new_sender):
    sender = new_sender(timeout_seconds=0.3)
    with ExitStack() as stack:
        # The kernel drops what comes once the queue of a listening socket is full.
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        attempt = send(sender, f"https://127.0.0.1:{full.getsockname()[1]}/{SECRET}")
    assert attempt.error == "no connection or no TLS handshake within 0.3 s"
    assert attempt.times.connect_ms is None


def test_an_answer_that_came_in_time_counts_although_it_is_read_late(new_sender, receiver, stopped_clock):
    """Whoever drives the sender may be kept busy by something else."""
    sender = new_sender(timeout_seconds=0.5)
    is_late, has_answered = threading.Event(), threading.Event()

    def behave(connection: Connection) -> None:
        connection.read_request()
        is_late.wait()
        connection.send(OK)
        has_answered.set()
        connection.pause()

    target = receiver(behave, None)
    sender.start("in time", OutgoingRequest(secret_url(target, host="127.0.0.1"), {}, b"{}"))
    nothing_ends_until(sender, lambda: target.requests)
    is_late.set()
    has_answered.wait()
    stopped_clock.now += 0.7
    ((_, attempt),) = sender.wait(0)
    assert (attempt.status, attempt.error) == (200, None)


def test_the_deadline_is_one_for_all_steps_together(new_sender, receiver, tls, stopped_clock):
    goes_on = threading.Event()

    def slow_at_each_step(connection):
        goes_on.wait()
        connection.secure(tls)
        connection.read_request()
        connection.pause()

    sender = new_sender(timeout_seconds=0.45)
    target = receiver(slow_at_each_step, None)
    began = stopped_clock.now
    url = target.url(host="127.0.0.1").replace("http:", "https:")
    sender.start("only", OutgoingRequest(url, HEADERS, b"{}"))
    nothing_ends_until(sender, lambda: target.connections)
    stopped_clock.now = began + 0.3
    goes_on.set()
    nothing_ends_until(sender, lambda: target.requests)
    attempt = ended_at(sender, stopped_clock, began + 0.45)["only"]
    assert attempt.error == "no answer within 0.45 s"


@pytest.mark.parametrize("is_tls", [True, False])
@pytest.mark.parametrize(
    ("response", "error"),
    [
        (b"", "the connection was closed before an answer"),
        (b"HTTP/1.1 200 OK\r\nX-A", "the connection was closed within the answer's headers"),
        (b"HTTP/1.1 200 OK\r\nX-A: b\r\n", "the connection was closed within the answer's headers"),
        (b"HTTP/1.1 103 Hints\r\n\r\n", "the connection was closed within the answer's headers"),
        (b"what is this?\r\n\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 what?\r\n\r\n", "the answer is not HTTP"),
        (b"\x16\x03\x01" + bytes(500), "the answer is not HTTP"),
    ],
)
def test_an_answer_that_breaks_off_or_is_none_is_a_failure(sender, receiver, tls, is_tls, response, error):
    target = receiver(answering_once(response), tls if is_tls else None)
    attempt = send(sender, secret_url(target))
    assert (attempt.status, attempt.error) == (None, error)


def drop(_connection) -> None:
    pass


def test_a_connection_that_is_dropped_at_once_is_a_failure(sender, receiver):
    target = receiver(drop, None)
    assert send(sender, target.url()).error == "the connection was closed before an answer"
    attempt = send(sender, target.url().replace("http:", "https:"))
    assert attempt.error == "the TLS handshake failed: the connection was closed"


def test_running_out_of_sockets_is_a_failure_that_says_so(sender, receiver, monkeypatch):
    def none_left(*_args):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(sender_module, "socket", none_left)
    attempt = send(sender, receiver(responding(OK)).url())
    assert attempt.error == "no socket could be opened: Too many open files"


# How much of an answer is read


@pytest.mark.parametrize(("status", "error"), [(200, None), (500, "answered 500")])
@pytest.mark.parametrize(
    ("headers", "endless"),
    [
        ("X-Until: close", b"x" * 1000),
        ("Content-Length: 9999999999", b"x" * 1000),
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
        ("Transfer-Encoding: chunked", b"ffffffff\r\n" + b"x" * 1000),
        ("Transfer-Encoding: chunked", b"1;" + b"x" * 1000),
        ("Content-Encoding: gzip\r\nContent-Length: 9999999999", gzip.compress(bytes(100_000_000), 1)),
        ("Transfer-Encoding: gzip", gzip.compress(bytes(100_000_000), 1)),
    ],
)
def test_an_endless_body_is_read_up_to_4_kb_and_its_status_counts(
    new_sender, receiver, status, error, headers, endless
):
    def behave(connection):
        connection.read_request()
        connection.send(f"HTTP/1.1 {status} X\r\n{headers}\r\n\r\n".encode())
        connection.flood(endless)

    attempt = send(new_sender(timeout_seconds=LONG_SECONDS), receiver(behave).url())
    check_not_ended_by_its_deadline(attempt)
    assert (attempt.status, attempt.error) == (status, error)
    assert len(attempt.response) <= 1024


def test_endless_trailers_count_as_body(new_sender, receiver):
    def behave(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n")
        connection.flood(b"X-Trailer: and so on\r\n")

    attempt = send(new_sender(timeout_seconds=LONG_SECONDS), receiver(behave).url())
    check_not_ended_by_its_deadline(attempt)
    assert (attempt.status, attempt.response) == (200, "ok")


@pytest.mark.parametrize(
    ("start", "endless"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"x" * 1000),
        (b"HTTP/1.1 200 OK\r\nX-A: b\r\n", b" folded\r\n"),
        (b"HTTP/1.1 200 ", b"x" * 1000),
        (b"", b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_endless_headers_are_a_failure_at_once(new_sender, receiver, start, endless):
    def behave(connection):
        connection.read_request()
        connection.send(start)
        connection.flood(endless)

    attempt = send(new_sender(timeout_seconds=LONG_SECONDS), receiver(behave).url())
    check_not_ended_by_its_deadline(attempt)
    assert (attempt.status, attempt.error) == (None, "the answer's headers are longer than 16 KB")


def test_a_body_of_4_kb_and_headers_of_some_kb_are_read_whole_and_nothing_is_decoded(sender, receiver):
    zipped = gzip.compress(b"ok" * 100)
    headers = b"X-Policy: " + b"p" * 12_000 + b"\r\nContent-Encoding: gzip"
    target = receiver(
        responding(b"HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %d\r\n\r\n%s" % (headers, len(zipped), zipped))
    )
    attempt = send(sender, target.url())
    assert attempt.response == zipped.decode(errors="replace")
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % MAX_BODY_BYTES + b"x" * MAX_BODY_BYTES
    assert send(sender, receiver(responding(whole)).url()).succeeded


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok",
    ],
)
def test_once_a_2xx_has_come_a_body_that_hangs_makes_no_difference(
    new_sender, receiver, stopped_clock, start
):
    sender = new_sender(timeout_seconds=1)
    has_begun = threading.Event()

    def behave(connection):
        connection.read_request()
        connection.send(start)
        has_begun.set()
        connection.pause()

    began = stopped_clock.now
    sender.start("only", OutgoingRequest(receiver(behave).url(host="127.0.0.1"), HEADERS, b"{}"))
    nothing_ends_until(sender, has_begun.is_set)
    attempt = ended_at(sender, stopped_clock, began + 1)["only"]
    assert (attempt.succeeded, attempt.response) == (True, "ok")


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz",
    ],
)
def test_once_a_2xx_has_come_a_body_that_breaks_off_makes_no_difference(new_sender, receiver, response):
    attempt = send(new_sender(timeout_seconds=LONG_SECONDS), receiver(answering_once(response)).url())
    check_not_ended_by_its_deadline(attempt)
    assert (attempt.succeeded, attempt.response) == (True, "ok")


# Greetings, which OpenSSL passes over for as long as there are more: many to a record, and one to each.
GREETINGS = [b"\x16\x03\x03\x40\x00" + bytes(16384), b"\x16\x03\x03\x00\x04\x00\x00\x00\x00" * 10_000]


@tells_what_came_on_a_socket
@pytest.mark.parametrize("flood", [*GREETINGS, bytes(1000), b"\xff" * 1000])
def test_a_handshake_that_floods_is_a_failure_long_before_the_deadline(new_sender, receiver, flood):
    target = receiver(partial(Connection.flood, data=flood), None)
    url = secret_url(target).replace("http:", "https:")
    attempt = send(new_sender(timeout_seconds=LONG_SECONDS), url)
    assert (attempt.error or "").startswith("the TLS handshake failed")
    check_not_ended_by_its_deadline(attempt)


@tells_what_came_on_a_socket
@pytest.mark.parametrize("flood", GREETINGS)
def test_handshakes_that_flood_hold_up_nobody_for_long(new_sender, receiver, flood):
    sender = new_sender(timeout_seconds=LONG_SECONDS)
    flooding = receiver(partial(Connection.flood, data=flood), None)
    quick = receiver(responding(OK))
    for number in range(5):
        url = secret_url(flooding).replace("http:", "https:")
        sender.start(f"flooded {number}", OutgoingRequest(url, HEADERS, b"{}"))
        sender.start(f"quick {number}", OutgoingRequest(quick.url(), HEADERS, b"{}"))
    finished = finish(sender)
    for attempt in finished.values():
        check_not_ended_by_its_deadline(attempt)
    assert all(finished[f"quick {number}"].succeeded for number in range(5))
    assert not any(finished[f"flooded {number}"].succeeded for number in range(5))


@tells_what_came_on_a_socket
@pytest.mark.parametrize(("number", "size"), [(1, 60_000), (5, 4_000)])
def test_kept_connections_that_flood_hold_up_nobody(new_sender, receiver, authority, tmp_path, number, size):
    """Closing them reads all that comes on them, and there is no transfer of them any more."""

    def flooding(key_log):
        context = server_context(authority.issue_cert("localhost"))
        context.num_tickets = 0
        context.keylog_filename = str(key_log)
        is_flooded = threading.Event()

        def behave(connection: Connection) -> None:
            connection.read_request()
            connection.send(OK)
            records = key_updates(server_secret(key_log), 1, size)
            is_flooded.set()
            connection.send_raw(records)
            connection.pause()

        return receiver(behave, context), is_flooded

    sender = new_sender(timeout_seconds=60)
    for one in range(number):
        target, is_flooded = flooding(tmp_path / f"keys-{one}")
        assert send(sender, target.url()).succeeded
        assert is_flooded.wait(60)
    time.sleep(1.1)  # libcurl looks for connections to close once a second
    assert send(sender, receiver(responding(OK)).url()).succeeded
    assert sender._guard.ended == number


def test_no_group_of_a_servers_own_is_offered(sender, receiver):
    """With 10,000 bits a handshake takes seconds of the processor, and few bytes."""
    suites = set()

    def behave(connection: Connection) -> None:
        hello = connection.receive_raw()
        session = 5 + 4 + 2 + 32  # after the heads of record and message, the version and the random
        begin = session + 1 + hello[session]
        size = int.from_bytes(hello[begin : begin + 2])
        suites.update(hello[begin + 2 + at : begin + 4 + at].hex() for at in range(0, size, 2))

    send(sender, secret_url(receiver(behave, None)).replace("http:", "https:"))
    assert {"1301", "c02f", "c030"} <= suites, "TLS 1.3, and ECDHE of 1.2"
    assert not {"0033", "0039", "0067", "006b", "009e", "009f", "ccaa"} & suites, "DHE"


def test_who_was_kept_waiting_is_not_out_of_time_for_that(new_sender, receiver, monkeypatch, stopped_clock):
    """What came meanwhile counts; and there is as much time again for further steps."""
    sender = new_sender(timeout_seconds=0.5)
    open_socket = sender_module._Transfer.open_socket

    def hold_up(transfer, purpose, address):
        if transfer.key == "holds up":
            stopped_clock.now += 0.7
        return open_socket(transfer, purpose, address)

    monkeypatch.setattr(sender_module._Transfer, "open_socket", hold_up)
    began = stopped_clock.now
    hanging = receiver(hang, None)
    sender.start("waits", OutgoingRequest(hanging.url(host="127.0.0.1"), {}, b"{}"))
    nothing_ends_until(sender, lambda: hanging.requests)
    url = receiver(responding(OK)).url(host="127.0.0.1")  # one address, and so one socket
    sender.start("holds up", OutgoingRequest(url, {}, b"{}"))
    ((key, attempt),) = sender.wait(LONG_SECONDS)
    assert (key, attempt.succeeded) == ("holds up", True)
    assert stopped_clock.now == began + 0.7
    assert ended_at(sender, stopped_clock, began + 0.7 + 0.5).keys() == {"waits"}


@pytest.mark.parametrize(
    "smuggled",
    [
        b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 No\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
        b"x" * 10_000,
    ],
)
def test_what_follows_an_answer_is_no_answer_to_the_next_request(sender, receiver, smuggled):
    target = receiver(responding(OK + smuggled))
    for _ in range(3):
        attempt = send(sender, target.url())
        assert (attempt.status, attempt.response) == (200, "ok")
        time.sleep(0.02)  # until the rest is there as well


FLOODS = [
    (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"ffff\r\n" + b"x" * 65535 + b"\r\n"),
    (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(bytes(10_000_000), 1)),
    (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 4000 + b"\r\n"),
    (b"HTTP/1.1 200 OK\r\nX-A: ", b"x" * 65536),
    (b"", b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" * 1000),
]


def test_a_hundred_that_flood_at_once_take_little_memory_and_end_before_the_deadline(new_sender, receiver):
    def floods(start, endless):
        def behave(connection):
            connection.read_request()
            connection.send(start)
            connection.flood(endless)

        return receiver(behave, None)

    sender = new_sender(timeout_seconds=LONG_SECONDS)
    targets = [floods(*flood) for flood in FLOODS]
    send(sender, targets[0].url())
    before = psutil.Process().memory_info().rss
    for number in range(100):
        url = targets[number % len(targets)].url()
        sender.start(str(number), OutgoingRequest(url, HEADERS, b"{}"))
    finished = finish(sender)
    assert len(finished) == 100
    for attempt in finished.values():
        check_not_ended_by_its_deadline(attempt)
    assert psutil.Process().memory_info().rss - before < 50_000_000, "half a megabyte for each"


# Many at once, and kept connections


def test_a_connection_is_kept_between_requests(sender, receiver):
    target = receiver(responding(OK))
    for _ in range(5):
        assert send(sender, target.url()).succeeded
    assert (target.connections, len(target.requests)) == (1, 5)


@pytest.mark.parametrize("limit", ["_MAX_IDLE_SECONDS", "_MAX_AGE_SECONDS"])
def test_a_connection_is_not_kept_for_longer_than_its_limits(new_sender, receiver, monkeypatch, limit):
    monkeypatch.setattr(sender_module, limit, 1)
    sender = new_sender()
    target = receiver(responding(OK))
    for _ in range(2):
        assert send(sender, target.url()).succeeded
    assert target.connections == 1
    time.sleep(1.1)
    assert send(sender, target.url()).succeeded
    assert target.connections == 2


class FrozenClock:
    """Seconds since 1970 that pass when a test says so: libcurl's own clock stands still beside it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def silent_after_the_first(connection: Connection) -> None:
    """Answers one request of the connection. It is dead then, of which the sender sees nothing."""
    connection.read_request()
    connection.send(OK)
    connection.read_request()
    connection.pause()


@pytest.mark.parametrize(
    ("seconds", "is_reused"),
    [(0, True), (49, True), (60, False), (86400, False), (-1, False), (-86400, False)],
)
def test_a_connection_that_died_in_silence_while_the_process_was_frozen_is_not_reused(
    new_sender, receiver, seconds, is_reused
):
    clock = FrozenClock()
    sender = new_sender(timeout_seconds=0.5, clock=clock)
    target = receiver(silent_after_the_first)
    assert send(sender, target.url()).succeeded
    clock.now += seconds
    assert send(sender, target.url()).succeeded is not is_reused
    assert target.connections == (1 if is_reused else 2)


def test_a_connection_that_was_not_used_for_too_long_is_dropped_although_others_were(new_sender, receiver):
    """Of two connections to one destination one goes on being used, a moment between two freezes."""
    clock = FrozenClock()
    sender = new_sender(clock=clock)
    target = receiver(responding(OK))
    for key in ("one", "other"):
        sender.start(key, OutgoingRequest(target.url(), HEADERS, b"{}"))
    finish(sender)
    assert target.connections == 2
    for _ in range(2):
        clock.now += 30
        assert send(sender, target.url()).succeeded
    assert target.connections == 3


def test_a_connection_is_used_for_ten_minutes_at_most_frozen_or_not(new_sender, receiver):
    clock = FrozenClock()
    sender = new_sender(clock=clock)
    target = receiver(responding(OK))
    for _ in range(20):
        assert send(sender, target.url()).succeeded
        clock.now += 30
    assert target.connections == 1
    clock.now += 1
    assert send(sender, target.url()).succeeded
    assert target.connections == 2


def test_connections_that_are_too_old_are_closed_and_leave_nothing_behind(new_sender, receiver):
    clock = FrozenClock()
    sender = new_sender(clock=clock)
    target = receiver(responding(OK))
    assert send(sender, target.url()).succeeded
    before = psutil.Process().num_fds()
    for _ in range(20):
        clock.now += 60
        assert send(sender, target.url()).succeeded
    assert target.connections == 21
    # A receiver on this machine has its own ends of those that are open.
    deadline = time.monotonic() + 5
    while psutil.Process().num_fds() > before + 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert psutil.Process().num_fds() <= before + 2


def test_a_name_is_looked_up_anew_after_a_freeze(new_sender, receiver):
    clock = FrozenClock()
    sender = new_sender(clock=clock)
    target = receiver(answering_once(OK), None)
    url = target.url(host="moved.invalid")
    # As if it had been looked up, and for as long.
    sender._blank.setopt(pycurl.RESOLVE, [f"+moved.invalid:{target.port}:127.0.0.1"])
    assert send(sender, url).succeeded
    sender._blank = sender._blank_handle()
    assert send(sender, url).succeeded
    clock.now += 60
    for _ in range(2):
        assert send(sender, url).error == "the name moved.invalid does not resolve"


def test_connections_are_not_dropped_under_what_is_in_flight(new_sender, receiver):
    clock = FrozenClock()
    sender = new_sender(clock=clock)

    def slow(connection):
        while connection.read_request():
            connection.pause(0.3)
            connection.send(OK)

    target = receiver(slow)
    sender.start("before", OutgoingRequest(target.url(), HEADERS, b"{}"))
    sender.wait(0.1)
    clock.now += 86400
    sender.start("after", OutgoingRequest(target.url(), HEADERS, b"{}"))
    assert all(attempt.succeeded for attempt in finish(sender).values())


def test_a_kept_connection_that_was_closed_meanwhile_does_no_harm(sender, receiver):
    target = receiver(answering_once(OK))
    for count in range(1, 4):
        assert send(sender, target.url()).succeeded
        assert (target.connections, len(target.requests)) == (count, count)


@pytest.mark.parametrize("is_tls", [True, False])
def test_a_kept_connection_that_is_closed_under_a_request_does_no_harm(sender, receiver, tls, is_tls):
    def behave(connection):
        connection.read_request()
        connection.send(OK)
        connection.read_request()

    target = receiver(behave, tls if is_tls else None)
    for _ in range(3):
        assert send(sender, target.url()).succeeded


def test_200_that_hang_hold_up_nobody_and_all_end_at_their_deadline(new_sender, receiver, stopped_clock):
    sender = new_sender(timeout_seconds=2.5)
    hanging, quick = receiver(hang), receiver(responding(OK))
    began = stopped_clock.now
    for number in range(200):
        request = OutgoingRequest(hanging.url(host="127.0.0.1"), HEADERS, b"{}")
        sender.start(f"hanging {number}", request)
    assert sender.in_flight == 200
    nothing_ends_until(sender, lambda: len(hanging.requests) == 200)
    sender.start("quick", OutgoingRequest(quick.url(host="127.0.0.1"), HEADERS, b"{}"))
    [(key, attempt)] = sender.wait(1)
    assert key == "quick"
    assert attempt.succeeded
    finished = ended_at(sender, stopped_clock, began + 2.5)
    assert len(finished) == 200
    assert {attempt.error for attempt in finished.values()} == {"no answer within 2.5 s"}
    assert send(sender, quick.url(host="127.0.0.1")).succeeded


def test_waiting_ends_when_its_time_is_up_and_at_once_with_nothing_in_flight(
    sender, receiver, stopped_clock, monkeypatch
):
    sockets = sender._poll

    def poll(milliseconds):
        """Wait by the stopped clock alone."""
        found = sockets.poll(0)
        stopped_clock.now += 0 if found else milliseconds / 1000
        return found

    watched = SimpleNamespace(poll=poll, register=sockets.register, unregister=sockets.unregister)
    monkeypatch.setattr(sender, "_poll", watched)
    began = stopped_clock.now
    assert sender.wait(10) == []
    assert stopped_clock.now == began
    sender.start("hanging", OutgoingRequest(receiver(hang).url(host="127.0.0.1"), {}, b""))
    assert sender.wait(0.2) == []
    assert stopped_clock.now == pytest.approx(began + 0.2)
    assert sender.wait(0) == []
    assert stopped_clock.now == pytest.approx(began + 0.2)
    assert sender.in_flight == 1


def test_waking_never_blocks_and_wakes_the_next_that_waits(sender, receiver):
    for _ in range(1000):
        sender.wake()
    sender.start("hanging", OutgoingRequest(receiver(hang).url(host="127.0.0.1"), {}, b""))
    assert sender.wait(LONG_SECONDS) == []
    assert sender.in_flight == 1


# Where it never goes


@pytest.fixture(scope="module")
def strict_sender():
    """A sender as it is deployed. Hypothesis runs many examples on it."""
    sender = Sender(timeout_seconds=3, allow_private=False)
    yield sender
    sender.close()


REFUSED_IPV4 = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
]
REFUSED_IPV6 = ["::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]
# Where an IPv6 address may carry an IPv4 one: mapped, compatible, translated, NAT64, 6to4, ISATAP.
CARRIERS = [("::ffff:0:0", 0), ("::", 0), ("::ffff:0:0:0", 0), ("64:ff9b::", 0), ("64:ff9b:1::", 0)]
CARRIERS += [("2002::", 80), ("2606:4700::5efe:0:0", 0), ("2606:4700::200:5efe:0:0", 0)]

refused_ipv4 = st.sampled_from(REFUSED_IPV4).flatmap(lambda network: st.ip_addresses(network=network))
refused_ipv6 = st.sampled_from(REFUSED_IPV6).flatmap(lambda network: st.ip_addresses(network=network))


def carried(address: IPv4Address, carrier: tuple[str, int]) -> IPv6Address:
    prefix, shift = carrier
    return IPv6Address(int(IPv6Address(prefix)) | int(address) << shift)


def spelled(address: IPv4Address, how: int) -> str:
    """An IPv4 address as lenient parsers read it."""
    number = int(address)
    rest = number & 0xFFFFFF
    return [
        f"{number}",
        f"{number:#x}",
        f"0{number:o}",
        f"{number >> 24}.{rest}",
        f"{number >> 24:#x}.{rest}",
    ][how]


refused_hosts = st.one_of(
    refused_ipv4.map(str),
    st.builds(spelled, refused_ipv4, st.integers(0, 4)),
    refused_ipv6.map(lambda address: f"[{address}]"),
    st.builds(carried, refused_ipv4, st.sampled_from(CARRIERS)).map(lambda address: f"[{address}]"),
)


@pytest.fixture
def no_sockets(monkeypatch):
    """What sockets the sender asked for. It gets none."""
    asked: list[object] = []

    def record(*args):
        asked.append(args)
        raise OSError(0, "none here")

    monkeypatch.setattr(sender_module, "socket", record)
    return asked


@given(refused_hosts)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_socket_is_ever_opened_for_a_refused_address(strict_sender, no_sockets, host):
    attempt = send(strict_sender, f"https://{host}/{SECRET}")
    assert no_sockets == []
    if parse_plain(host.strip("[]")) is not None:
        assert re.fullmatch(r"the address [0-9a-f.:]+ is not public", attempt.error)
    else:
        assert attempt.error == f"the name {host.lower()} resolves to an address that is not public"


@pytest.mark.parametrize("network", REFUSED_IPV4 + REFUSED_IPV6)
def test_a_range_is_refused_from_its_first_to_its_last_address(strict_sender, no_sockets, network):
    net = IPv4Network(network) if "." in network else IPv6Network(network)
    for address in (net[0], net[-1]):
        host = f"[{address}]" if address.version == 6 else address
        error = send(strict_sender, f"https://{host}/").error
        assert ip_address(error.split()[2]) == address
        assert error.endswith("is not public")
    assert no_sockets == []


@pytest.mark.parametrize("host", ["93.184.215.14", "[2606:4700:4700::1111]"])
def test_a_public_address_would_get_a_socket(strict_sender, no_sockets, host):
    assert send(strict_sender, f"https://{host}/").error == "no socket could be opened: none here"
    assert len(no_sockets) == 1


def test_a_public_address_is_reached_at_port_443_alone(strict_sender, no_sockets):
    assert send(strict_sender, "https://93.184.215.14:8443/").error == "the port 8443 is not 443"
    assert no_sockets == []


def test_only_https_is_spoken(strict_sender, no_sockets):
    assert send(strict_sender, "http://93.184.215.14:443/").error == "the URL's scheme is not https"
    assert no_sockets == []


@pytest.fixture
def on_port(monkeypatch):
    """Lets the strict sender reach a receiver's port, so that the address alone can save it."""
    return partial(monkeypatch.setattr, sender_module, "HTTPS_PORT")


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "app.localhost", "127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "0"),
        *("0177.0.0.1", "127.0.0.1.", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[::]", "[::1]", "[::1%251]"),
        *("%31%32%37.0.0.1", "１２７.0.0.1", "127。0。0。1"),
    ],
)
def test_no_spelling_of_loopback_reaches_a_listening_receiver(strict_sender, receiver, on_port, host):
    target = receiver(responding(OK))
    on_port(target.port)
    attempt = send(strict_sender, target.url(host=host))
    assert attempt.status is None
    assert target.connections == 0


@pytest.fixture
def resolver(monkeypatch, on_port):
    """What app.example.com resolves to, at each look anew. 127.0.0.2 passes for a public address."""
    public = ip_address("127.0.0.2")
    monkeypatch.setattr(sender_module, "is_public", lambda address: address == public or is_public(address))
    responses: list[str] = []

    class Curl(pycurl.Curl):
        def duphandle(self) -> pycurl.Curl:
            curl = super().duphandle()
            if responses:
                entry = f"app.example.com:{sender_module.HTTPS_PORT}:{responses.pop(0)}"
                curl.setopt(pycurl.RESOLVE, [entry])
            return curl

    monkeypatch.setattr(sender_module.pycurl, "Curl", Curl)
    return responses


def test_a_name_that_resolves_anew_to_a_private_address_reaches_nothing(
    new_sender, receiver, resolver, on_port
):
    private = receiver(responding(OK))
    public = receiver(answering_once(OK), address="127.0.0.2", port=private.port)
    on_port(private.port)
    sender = new_sender(allow_private=False)
    resolver += ["127.0.0.2", "127.0.0.1"]
    assert send(sender, private.url(host="app.example.com")).succeeded
    attempt = send(sender, private.url(host="app.example.com"))
    assert attempt.error == "the name app.example.com resolves to an address that is not public"
    assert (public.connections, private.connections) == (1, 0)


@pytest.mark.parametrize("response", ["127.0.0.1", "[::1]", "127.0.0.1,[::1]"])
def test_no_error_names_the_private_address_that_a_name_resolves_to(
    new_sender, resolver, on_port, no_sockets, response
):
    resolver += [response]
    error = send(new_sender(allow_private=False), "https://app.example.com/").error
    assert error == "the name app.example.com resolves to an address that is not public"
    assert no_sockets == []


@pytest.mark.parametrize(
    "response", ["127.0.0.1,127.0.0.2", "127.0.0.2,127.0.0.1", "[::1],127.0.0.1,127.0.0.2"]
)
def test_of_a_mixed_answer_only_public_addresses_are_tried(new_sender, receiver, resolver, on_port, response):
    private = receiver(responding(OK))
    public = receiver(responding(OK), address="127.0.0.2", port=private.port)
    on_port(private.port)
    resolver += [response]
    assert send(new_sender(allow_private=False), private.url(host="app.example.com")).succeeded
    assert (public.connections, private.connections) == (1, 0)


@pytest.mark.parametrize("response", ["127.0.0.1,127.0.0.2", "127.0.0.2,127.0.0.1", "127.0.0.2,[::1]"])
def test_a_public_address_that_fails_does_not_open_a_private_one(
    new_sender, receiver, resolver, on_port, response
):
    private = receiver(responding(OK))
    on_port(private.port)
    resolver += [response]
    attempt = send(new_sender(allow_private=False), private.url(host="app.example.com"))
    assert attempt.error == "connection refused"
    assert private.connections == 0


@pytest.mark.parametrize("scheme", ["http", "https", "socks5h"])
def test_proxies_of_the_environment_are_not_used(sender, receiver, monkeypatch, scheme):
    proxy = receiver(hang, None)
    target, plain = receiver(responding(OK)), receiver(responding(OK), None)
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"{scheme}://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert send(sender, target.url()).succeeded
    assert send(sender, plain.url()).succeeded
    assert proxy.connections == 0
