"""The Python of docs/provisioning.md, over the real functions, EventBridge as moto has it, and what fails."""

import io
import itertools
import json
import re
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from storehooks.api.event_input import MAX_BYTES, MAX_EVENTS, NewBusEvent, NewEvent
from storehooks.domain.event import MAX_DATA_BYTES
from tests import provisioning_page as page
from tests.integration.conftest import load_event

HERE = "https://here.example.com"
STORE = "5ueh97"
CLIENT = "40c672b9177b5d3a8dbfad24321be15d"
ADMIN = "an admin token"
NAMES = {
    ("PUT", "clients/{id}"): "put_client",
    ("DELETE", "clients/{id}"): "delete_client",
    ("POST", "clients/{id}/rotate-secret"): "rotate_client_secret",
    ("POST", "clients/{id}/tokens"): "create_token",
    ("POST", "clients/{id}/portal-links"): "create_portal_link",
    ("GET", "v3/hooks"): "list_hooks",
    ("POST", "v3/hooks"): "create_hook",
    ("PUT", "v3/hooks/{id}"): "update_hook",
    ("POST", "v2/events"): "publish_events",
}
LOST, REFUSED, DOWN = "a lost response", "a 429", "a refused connection"


class Gateway:
    """Takes what urllib sends to HERE to the functions, but for what is to fail."""

    def __init__(self, functions, elsewhere):
        self.functions, self._elsewhere = functions, elsewhere
        self.failures = iter(())
        self.requests = []

    def urlopen(self, request, **options):
        if not request.full_url.startswith(HERE):
            return self._elsewhere(request, **options)
        self.requests.append(request)
        failure = next(self.failures, None)
        if failure == DOWN:
            raise ConnectionRefusedError
        if failure == REFUSED:
            raise self.error(request, 429, {"X-Retry-After": "3"}, "{}")
        response = self._invoke(request)
        if failure == LOST:
            raise TimeoutError
        status, body = response["statusCode"], response.get("body", "")
        if status >= 400:
            raise self.error(request, status, response["headers"], body)
        answer = io.BytesIO(body.encode())
        answer.status = status
        return answer

    def _invoke(self, request):
        url = urlsplit(request.full_url)
        store, rest = re.search(r"/stores/(\w+)/(.*)", url.path).groups()
        route = re.sub(r"(clients|hooks)/\w+", r"\1/{id}", rest)
        name = NAMES[request.get_method(), route]
        event = load_event(name)
        event["resource"] = event["resource"].replace("/v2/hooks", "/v3/hooks")
        named = event["pathParameters"]
        named["store_hash"] = store
        if numbered := re.search(r"(?:clients|hooks)/(\w+)", rest):
            named["client_id" if "clients" in rest else "id"] = numbered[1]
        granted = event["requestContext"]["authorizer"]
        if (token := request.get_header("X-auth-token")) != ADMIN:
            caller = self.functions.parts("authorizer").tokens.caller(token)
            granted |= {"store_hash": caller.store_hash, "client_id": caller.client_id}
            granted["oauth_scopes"] = " ".join(caller.oauth_scopes)
        event["queryStringParameters"] = dict(parse_qsl(url.query)) or None
        event["body"] = None if request.data is None else request.data.decode()
        return self.functions.handler(name)(event, None)

    @staticmethod
    def error(request, status, headers, body):
        given = Message()
        for name, value in headers.items():
            given[name] = value
        return urllib.error.HTTPError(request.full_url, status, "", given, io.BytesIO(body.encode()))


@pytest.fixture
def gateway(functions, monkeypatch):
    opened = Gateway(functions, urllib.request.urlopen)
    monkeypatch.setattr(urllib.request, "urlopen", opened.urlopen)
    return opened


@pytest.fixture
def waits(monkeypatch):
    """The seconds that the page's code has waited, in no time."""
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


@pytest.fixture
def app(gateway):
    """The names of the page's first two snippets, and a platform by them."""
    assert gateway
    names = page.names_of(page.LIFE, page.MOVING)
    return names, names["Provisioning"](HERE, ADMIN)


# ---------------------------------------------------------------- the life of an app


def test_an_app_is_installed_makes_a_hook_and_is_uninstalled(app, aws, waits):
    names, platform = app
    secret, token = platform.install(STORE, CLIENT, "Order sync")
    hook = names["first_hook"](HERE, STORE, token, "store/order/*", "https://app.example.com/orders")
    assert (hook["client_id"], hook["is_active"]) == (CLIENT, True)
    assert platform.rotate(STORE, CLIENT) != secret
    assert "/console#" in platform.portal_link(STORE, CLIENT)
    for _ in range(2):
        platform.uninstall(STORE, CLIENT)
    assert aws.scan("TokensTable") == aws.scan("ClientsTable") == []
    assert waits == []


def test_the_secret_of_a_client_is_known_whatever_response_was_lost(app, gateway, aws, waits):
    _, platform = app
    gateway.failures = iter([LOST, LOST, REFUSED, None, DOWN])
    secret, _ = platform.install(STORE, CLIENT, "Order sync")
    (item,) = aws.scan("ClientsTable")
    assert item["client_secret"]["S"] == secret
    assert waits == [2, 4, 3, 2]
    assert platform.install(STORE, CLIENT, "Order sync", secret)[0] == secret
    (item,) = aws.scan("ClientsTable")
    assert item["client_secret"]["S"] == secret


def test_what_is_refused_is_not_tried_again(app, waits):
    names, platform = app
    with pytest.raises(names["RefusedError"], match="client_id"):
        platform.install(STORE, "0", "Order sync")
    assert waits == []


def test_it_gives_up_after_some_tries(app, gateway, waits):
    _, platform = app
    gateway.failures = itertools.repeat(DOWN)
    with pytest.raises(OSError):  # noqa: PT011 - whichever of the network's
        platform.uninstall(STORE, CLIENT)
    assert waits == [2, 4, 8, 16]


# ---------------------------------------------------------------- moving hooks here


@contextmanager
def bigcommerce(hooks):
    """BigCommerce with these hooks of a client, which change; a page has two."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            number = int(dict(parse_qsl(urlsplit(self.path).query))["page"])
            pagination = {"total_pages": -(-len(hooks) // 2)}
            self._respond({"data": hooks[2 * number - 2 : 2 * number], "meta": {"pagination": pagination}})

        def do_PUT(self):
            changes = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            (hook,) = [one for one in hooks if one["id"] == int(self.path.rpartition("/")[2])]
            hook |= changes
            self._respond({"data": hook, "meta": {}})

        def _respond(self, body):
            assert self.headers["X-Auth-Token"] == "their token"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", "th3irs", "their token"
        server.shutdown()


def their_hook(hook_id, **fields):
    return {
        "id": hook_id,
        "client_id": "k3lo2g5q6wd1l7gh1opu2nvu7u1vtwl",
        "store_hash": "th3irs",
        "scope": "store/order/*",
        "destination": f"https://app.example.com/{hook_id}",
        "headers": None,
        "is_active": True,
        "created_at": 1_561_479_335,
        "updated_at": 1_561_479_335,
    } | fields


def test_hooks_are_copied_once_and_switched_off_there(app):
    names, platform = app
    _, token = platform.install(STORE, CLIENT, "Order sync")
    here = (HERE, STORE, token)
    theirs = [
        their_hook(1, headers={"X-Key": "a secret"}),
        their_hook(2, is_active=False),
        their_hook(3, scope="store/no/such/scope"),
        their_hook(4, headers={}),
        their_hook(5, scope="store/cart/*"),
    ]
    with bigcommerce(theirs) as there:
        for _ in range(2):
            ((hook, error),) = names["copy_hooks"](there, here)
            assert (hook["id"], error.status) == (3, 422)
            assert "scope" in str(error)
        copied = list(names["hooks_of"](*here))
        shown = ("scope", "destination", "is_active")
        wanted = [[one[name] for name in shown] for one in theirs if one["id"] != 3]
        assert [[one[name] for name in shown] for one in copied] == wanted
        assert copied[0]["headers"] == {"X-Key": "a secret"}
        assert names["switch_off"](*there) == [1, 3, 4, 5]
    assert not any(one["is_active"] for one in theirs)


# ---------------------------------------------------------------- publishing without loss


class Bus:
    """EventBridge, which does of each entry what it is told: takes it, or refuses it or the whole request."""

    def __init__(self, events, fate):
        self._events, self._fate = events, fate
        self.taken = []

    def put_events(self, **request):
        entries = request["Entries"]
        sizes = [len((one["Source"] + one["DetailType"] + one["Detail"]).encode()) for one in entries]
        assert 1 <= len(entries) <= 10
        assert sum(sizes) < 256 * 1024
        fates = [next(self._fate, None) for _ in entries]
        if DOWN in fates:
            raise EndpointConnectionError(endpoint_url="https://events")
        if REFUSED in fates:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutEvents")
        good = [entry for entry, fate in zip(entries, fates, strict=True) if fate is None or fate == LOST]
        if good:
            assert self._events.put_events(Entries=good)["FailedEntryCount"] == 0
        self.taken += good
        if LOST in fates:
            raise EndpointConnectionError(endpoint_url="https://events")
        results = [{"ErrorCode": fate} if fate else {"EventId": "1"} for fate in fates]
        return {"FailedEntryCount": len(entries) - len(good), "Entries": results}


@pytest.fixture
def database():
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.execute(page.names_of(page.OUTBOX)["TABLE"])
        yield opened


def filled(database, count, data=None, stores=(STORE,)):
    """The ids of events that a change wrote to the outbox."""
    add_event = page.names_of(page.OUTBOX)["add_event"]
    with database:
        for number in range(count):
            given = {"id": number} if data is None else data
            add_event(database, stores[number % len(stores)], "store/order/created", given)
    return [json.loads(event)["id"] for (event,) in database.execute("SELECT event FROM outbox")]


def publish(database, publisher):
    """Publish the outbox; the waits that it took."""
    waited = []
    page.names_of(page.OUTBOX)["publish_outbox"](database, publisher.publish, waited.append)
    return waited


def test_an_event_is_written_with_the_change_or_not_at_all(database):
    add_event = page.names_of(page.OUTBOX)["add_event"]

    def change():
        with database:
            add_event(database, STORE, "store/order/created", {"id": 250})
            raise LookupError

    with pytest.raises(LookupError):
        change()
    with pytest.raises(ValueError, match="65536"):
        add_event(database, STORE, "store/order/created", {"text": "ü" * 33_000})
    assert database.execute("SELECT * FROM outbox").fetchall() == []


def test_the_bus_gets_each_event_whatever_fails(database, aws):
    ids = filled(database, 205)
    fates = itertools.cycle(["InternalFailure", None, "ThrottlingException", None, None, None, None])
    troubles = [DOWN, *[None] * 8, REFUSED, *[None] * 9, LOST, None]
    bus = Bus(aws.events, itertools.chain(troubles, itertools.islice(fates, 400)))
    publish(database, page.names_of(page.BUS)["BusPublisher"](bus, "EventBus"))
    assert database.execute("SELECT * FROM outbox").fetchall() == []
    details = [json.loads(entry["Detail"]) for entry in bus.taken]
    assert {one["id"] for one in details} == set(ids)
    assert len(details) > len(ids), "a lost response was tried again with the same ids"
    for entry, detail in zip(bus.taken, details, strict=True):
        event = NewBusEvent.parse({"scope": entry["DetailType"], **detail})
        assert (event.store_hash, event.scope) == (STORE, "store/order/created")


def test_the_largest_events_fit_into_requests_of_the_bus(database, aws):
    text = "\N{SHOPPING TROLLEY}" * ((MAX_DATA_BYTES - len('{"text":""}')) // 4)
    ids = filled(database, 12, {"text": text})
    bus = Bus(aws.events, iter(()))
    assert publish(database, page.names_of(page.BUS)["BusPublisher"](bus, "EventBus")) == []
    assert [json.loads(entry["Detail"])["id"] for entry in bus.taken] == ids


def test_a_bus_that_is_down_is_waited_for_ever_longer(database, aws):
    filled(database, 1)
    bus = Bus(aws.events, itertools.chain([DOWN] * 12))
    waited = publish(database, page.names_of(page.BUS)["BusPublisher"](bus, "EventBus"))
    assert len(waited) == 12
    assert all(0 <= one <= min(2**tries, 60) for tries, one in enumerate(waited, 1))
    assert len(bus.taken) == 1


def http_publisher(platform, *stores):
    """A publisher with a token of a client in each of these stores."""
    tokens = {}
    for store in stores:
        platform.install(store, CLIENT, "Our own")
        url = f"{HERE}/admin/v1/stores/{store}/clients/{CLIENT}/tokens"
        made = page.names_of(page.LIFE)["call"](ADMIN, "POST", url, {"oauth_scopes": ["events"]})
        tokens[store] = made[1]["data"]["access_token"]
    return page.names_of(page.HTTP)["HttpPublisher"](HERE, tokens.__getitem__)


def sent(aws):
    return [json.loads(message["Body"])["detail"] for message in aws.take("EventsQueue")]


def test_the_api_gets_each_event_whatever_fails(database, app, gateway, aws):
    _, platform = app
    publisher = http_publisher(platform, STORE, "x0ther")
    ids = filled(database, 40, stores=(STORE, "x0ther"))
    gateway.failures = iter([DOWN, REFUSED, LOST, None, LOST])
    publish(database, publisher)
    assert database.execute("SELECT * FROM outbox").fetchall() == []
    details = sent(aws)
    assert {one["id"] for one in details} == set(ids)
    assert len(details) > len(ids)
    assert {one["store_hash"] for one in details} == {STORE, "x0ther"}


def test_an_invalid_event_is_kept_with_the_reason_and_holds_up_no_other(database, app, aws):
    _, platform = app
    publisher = http_publisher(platform, STORE)
    ids = filled(database, 5)
    for position, wrong in ((2, '"store/no/such"'), (4, '"store/order/*"')):
        database.execute(
            "UPDATE outbox SET event = replace(event, ?, ?) WHERE position = ?",
            ['"store/order/created"', wrong, position],
        )
    publish(database, publisher)
    kept = database.execute("SELECT position, refusal FROM outbox ORDER BY position").fetchall()
    assert [position for position, _ in kept] == [2, 4]
    assert all("scope" in refusal for _, refusal in kept)
    assert sorted(one["id"] for one in sent(aws)) == sorted([ids[0], ids[2], ids[4]])


def test_the_largest_events_fit_into_requests_over_http(database, app, gateway, aws):
    _, platform = app
    publisher = http_publisher(platform, STORE)
    text = "\N{SHOPPING TROLLEY}" * ((MAX_DATA_BYTES - len('{"text":""}')) // 4)
    ids = filled(database, 12, {"text": text})
    gateway.requests.clear()
    publish(database, publisher)
    assert {one["id"] for one in sent(aws)} == set(ids)
    assert len(gateway.requests) > 1
    for request in gateway.requests:
        assert len(request.data) <= MAX_BYTES
        assert len(NewEvent.parse_all(json.loads(request.data), in_array=True)) <= MAX_EVENTS


def test_a_store_whose_token_is_refused_holds_up_no_other(database, app, gateway, aws, monkeypatch):
    """Though more of its events wait than one look into the outbox finds."""
    _, platform = app
    publisher = http_publisher(platform, STORE, "x0ther")
    refused = filled(database, 110, stores=("x0ther",))
    others = set(filled(database, 3)) - set(refused)

    def refuse(request, **options):
        if "x0ther" in request.full_url:
            raise gateway.error(request, 401, {}, "[]")
        return gateway.urlopen(request, **options)

    def end(_seconds):
        waited.append({one["id"] for one in sent(aws)})
        if len(waited) == 3:
            raise KeyboardInterrupt

    waited = []
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(KeyboardInterrupt):
        page.names_of(page.OUTBOX)["publish_outbox"](database, publisher.publish, end)
    assert set.union(*waited) == others
