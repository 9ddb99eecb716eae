"""The console in a real browser, on the running stack."""

import json
import re

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.e2e.browser import WAIT_MS, Visit, chromium
from tests.e2e.command_line import storehooks
from tests.e2e.store import Destination, Store

pytestmark = pytest.mark.toolchain

expect.set_options(timeout=WAIT_MS)

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
PHONE = {"width": 360, "height": 740}
SCOPES = {1: "store/order/created", 2: "store/cart/created", 3: "store/product/created", 4: "store/*"}
"""Of the troubled store's hooks, by their ids."""


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, stack):
    with Visit(browser, stack.base_url) as visit:
        yield visit


@pytest.fixture(scope="module")
def troubled(stack):
    """A store with a hook that works, one that fails, one that was deactivated and one that is inactive."""
    store = Store(stack, "c0ns01e")
    with (
        Destination() as works,
        Destination(status=500, response=HOSTILE.encode()) as fails,
        Destination(status=410) as gone,
    ):
        hooks = {
            "store/order/created": works, "store/cart/created": fails, "store/product/created": gone,
        }  # fmt: skip
        for scope, destination in hooks.items():
            store.delivery(store.hook(scope, destination.url), store.publish(scope))
        long = {"scope": "store/*", "destination": f"{works.url}/{'long-' * 100}"}
        store.call("POST", "hooks", json=long | {"filter": {"data": {"a" * 200: ["b" * 200]}}})
        store.delivery(3, store.publish("store/product/created"))
        yield store


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_everybody_gets_the_page_with_its_headers(stack, scheme):
    base_url = {"http": stack.base_url, "https": stack.tls_base_url}[scheme]
    response = requests.get(f"{base_url}/console", verify=stack.ca_path, timeout=60)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-cache"


def test_a_hook_is_created_gets_an_event_and_is_switched_off_and_deleted(visit, stack):
    store = Store(stack, "c0ns01e1")
    page = visit.page
    visit.sign_in("c0ns01e1", store.token)
    expect(page.get_by_role("heading", name="No hooks yet")).to_be_visible()
    with Destination(response=HOSTILE.encode()) as destination:
        page.get_by_role("button", name="Create the first hook").click()
        form = page.get_by_role("dialog", name="Create a hook")
        form.get_by_label("Scope").fill("store/order/*")
        form.get_by_label("Destination").fill(destination.url)
        form.get_by_label("Headers").fill("X-Key: a secret\nX-Other: one: more")
        form.get_by_role("button", name="Create the hook").click()
        expect(page.get_by_role("heading", name="store/order/*", level=1)).to_be_focused()
        expect(page.locator("#hook-status")).to_contain_text("Nothing was sent yet.")
        expect(page.get_by_role("region", name="Command")).to_contain_text(
            "event send --local --store-hash c0ns01e1"
        )
        store.publish("store/order/created")
        headers, _ = destination.next()
        assert (headers["X-Key"], headers["X-Other"]) == ("a secret", "one: more")

    row = page.get_by_role("link", name="Delivered")
    row.click()  # it has come by itself
    panel = page.get_by_role("dialog", name="store/order/created")
    expect(panel.get_by_role("region", name="Response")).to_have_text(HOSTILE)
    expect(panel.get_by_role("region", name="Payload")).to_contain_text('"producer": "stores/c0ns01e1"')
    expect(panel.get_by_role("list", name="Where the time went")).to_contain_text("waiting for the response")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(row).to_be_focused()

    page.get_by_role("button", name="Switch off").click()
    page.get_by_role("dialog").get_by_role("button", name="Switch it off").click()
    expect(page.locator("#hook-status-title")).to_have_text("Inactive")
    assert store.call("GET", "hooks/1").json()["is_active"] is False
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator("#hook-status-title")).to_have_text("Active")
    assert store.call("GET", "hooks/1").json()["is_active"] is True
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#hook-status-title")).to_contain_text("Paused")
    assert store.call("GET", "hooks/1").json()["is_paused"] is True
    held = store.delivery(1, store.publish("store/order/updated"))
    assert held["status"] == "held"
    with Destination(port=destination.port) as back:
        page.get_by_role("button", name="Resume").click()
        expect(page.locator("#hook-status-title")).to_have_text("Active")
        recovery = page.get_by_role("region", name=re.compile("Recover"))
        expect(recovery).to_contain_text("1 of 1 delivery held since")
        assert back.next()[0]["webhook-id"] == held["id"]
    assert "is_paused" not in store.call("GET", "hooks/1").json()

    page.get_by_role("button", name="Edit").click()
    form = page.get_by_role("dialog", name="Edit hook 1")
    expect(form.get_by_label("Headers")).to_have_value("X-Key: a secret\nX-Other: one: more")
    form.get_by_label("Destination").fill("https://app.example.com/moved")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#hook-destination")).to_have_text("https://app.example.com/moved")

    page.get_by_role("button", name="Delete").click()
    question = page.get_by_role("dialog", name="Delete hook 1?")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    question.get_by_role("button", name="Delete the hook").click()
    expect(page.get_by_role("heading", name="No hooks yet")).to_be_visible()
    expect(page.locator("#news")).to_have_text("Hook 1 was deleted.")
    assert store.call("GET", "hooks").json() == []


def test_a_hook_gets_a_filter_which_is_shown_changed_and_removed(visit, stack):
    store = Store(stack, "c0ns01e4")
    page = visit.page
    visit.sign_in("c0ns01e4", store.token)
    page.get_by_role("button", name="Create the first hook").click()
    form = page.get_by_role("dialog")
    field = form.get_by_role("textbox", name="Filter")
    form.get_by_label("Scope").fill("store/order/*")
    form.get_by_label("Destination").fill("https://app.example.com/orders")
    field.fill('{"data": ')
    form.get_by_role("button", name="Create the hook").click()
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("It is not JSON"))
    field.fill('{"data": {"id": [{"numeric": [">"]}], "type": []}}')
    form.get_by_role("button", name="Create the hook").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(
        re.compile(r"data\.id\[0\]\.numeric: It is .*Accepted: .*data\.type: It is empty", re.DOTALL)
    )
    field.fill('{"data": {"id": [250, 1.50]}}')
    form.get_by_role("button", name="Create the hook").click()
    shown = page.get_by_text("It has a filter")
    shown.click()
    expect(page.get_by_role("region", name="Filter")).to_contain_text("1.50")
    assert '"filter":{"data":{"id":[250,1.50]}}' in store.call("GET", "hooks/1").text

    page.get_by_role("button", name="Edit").click()
    form = page.get_by_role("dialog", name="Edit hook 1")
    form.get_by_label("Destination").fill("https://app.example.com/moved")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#hook-destination")).to_have_text("https://app.example.com/moved")
    assert '"filter":{"data":{"id":[250,1.50]}}' in store.call("GET", "hooks/1").text

    page.get_by_role("link", name="All hooks").click()
    expect(page.locator("#hooks-list > li")).to_contain_text("with a filter")
    page.get_by_role("link", name="store/order/*").click()
    expect(page.get_by_role("heading", level=1, name="store/order/*")).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    field.fill("")
    form.get_by_role("button", name="Save").click()
    expect(shown).to_be_hidden()
    assert "filter" not in store.call("GET", "hooks/1").json()


def test_a_hook_gets_a_rate_which_is_shown_changed_and_removed(visit, stack):
    store = Store(stack, "c0ns01e6")
    page = visit.page
    hook_id = store.hook("store/order/*", "https://app.example.com/")
    visit.sign_in("c0ns01e6", store.token)
    visit.open(f"stores/c0ns01e6/hooks/{hook_id}")
    expect(page.get_by_role("heading", level=1, name="store/order/*")).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    form = page.get_by_role("dialog", name=f"Edit hook {hook_id}")
    field = form.get_by_role("textbox", name="Max. attempts per second")
    for given, told in (
        ("many", "It is not a number"),
        ("0", "out of range"),
        ("2.25", "more than one decimal"),
    ):
        field.fill(given)
        form.get_by_role("button", name="Save").click()
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(f"{told}.*Accepted: a number from 0.1"))
    field.fill("2.5")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    assert store.call("GET", f"hooks/{hook_id}").json()["max_per_second"] == 2.5
    page.get_by_text("All of this hook’s fields").click()
    expect(page.locator("#hook-facts")).to_contain_text("Max. attempts per second2.5")
    page.get_by_role("button", name="Edit").click()
    expect(field).to_have_value("2.5")
    field.fill("")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#hook-facts")).to_contain_text("Max. attempts per secondno limit")
    assert "max_per_second" not in store.call("GET", f"hooks/{hook_id}").json()


def test_an_event_is_tried(visit, stack):
    store = Store(stack, "c0ns01e5")
    page = visit.page
    for scope, more in {
        "store/order/*": {},
        "store/order/statusUpdated": {"filter": {"data": {"status": {"new_status_id": [11]}}}},
        "store/cart/*": {},
    }.items():
        hook = {"scope": scope, "destination": "https://app.example.com", "is_active": True}
        assert store.call("POST", "hooks", json=hook | more).status_code == 201
    store.call("PUT", "hooks/1", json={"is_active": False})
    visit.sign_in("c0ns01e5", store.token)
    page.get_by_role("link", name="store/order/statusUpdated").click()
    # The list has such a button too: it must be gone before the hook's is looked for.
    expect(page.locator("#hook-title")).to_have_text("store/order/statusUpdated")
    page.get_by_role("button", name="Try an event").click()
    expect(page.get_by_role("heading", name="Try an event")).to_be_focused()
    form = page.get_by_role("region", name="Try an event")
    scope, data = form.get_by_label("Scope"), form.get_by_label("Data")
    expect(scope).to_have_value("store/order/statusUpdated")
    expect(data).to_have_value(re.compile('"new_status_id"'))

    data.fill('{"status": {"new_status_id": 12}}')
    page.get_by_role("button", name="Show who would get it").click()
    expect(page.get_by_role("heading", name="0 of 3 hooks would get it")).to_be_focused()
    expect(page.get_by_role("table", name="0 of 3 hooks would get it")).to_be_visible()
    rows = page.locator("#try-rows > tr")
    expect(rows.nth(0)).to_contain_text(re.compile(r"#1 store/order/\*.*Not sent.*It is inactive\."))
    expect(rows.nth(1)).to_contain_text(
        re.compile(r"#2 .*Not sent.*data\.status\.new_status_id is 12, and the filter asks for \[11\]")
    )
    expect(rows.nth(2)).to_contain_text(re.compile(r"#3 store/cart/\*.*Not sent.*Its scope is store/cart/\*"))

    data.fill('{"status": {"new_status_id": 11}}')
    page.get_by_role("button", name="Show who would get it").click()
    expect(page.get_by_role("heading", name="1 of 3 hooks would get it")).to_be_visible()
    expect(rows.nth(1)).to_contain_text(re.compile("#2 .*Sent"))

    scope.fill("store/cart/created")
    expect(data).to_have_value('{"status": {"new_status_id": 11}}')
    page.get_by_role("button", name="Take the scope’s example").click()
    expect(data).to_have_value(re.compile('"cart"'))
    scope.fill("store/cart/updated")
    expect(data).to_have_value(re.compile('"cart"'))
    scope.fill("store/cart/*")
    data.fill("[")
    page.get_by_role("button", name="Show who would get it").click()
    expect(data).to_have_accessible_description(re.compile("It is not JSON"))
    data.fill("{}")
    page.get_by_role("button", name="Show who would get it").click()
    expect(scope).to_be_focused()
    expect(scope).to_have_accessible_description(re.compile("It is a wildcard"))
    rows.nth(2).get_by_role("link").click()
    expect(page.locator("#hook-title")).to_have_text("store/cart/*")
    page.go_back()
    expect(page.get_by_role("heading", name="Try an event")).to_be_focused()


def test_a_ping_and_a_redelivery_show_how_they_went(visit, stack):
    store = Store(stack, "c0ns01e2")
    page = visit.page
    visit.sign_in("c0ns01e2", store.token)
    with Destination(status=500) as fails:
        hook_id = store.hook("store/order/*", fails.url)
        store.delivery(hook_id, store.publish("store/order/created"))
        visit.open(f"stores/c0ns01e2/hooks/{hook_id}")
        page.get_by_role("button", name="Send a ping").click()
        pinged = page.get_by_role("region", name="The ping failed")
        expect(pinged).to_contain_text("500")
        expect(page.locator("#news")).to_have_text("The ping failed: answered 500.")
    with Destination(port=fails.port) as works:
        page.get_by_role("link", name="Retrying").click()
        panel = page.get_by_role("dialog", name="store/order/created")
        panel.get_by_role("button", name="Try now").click()
        expect(panel.locator("#delivery-done")).to_have_text("Delivered.")
        expect(panel.get_by_role("heading", name="2 attempts")).to_be_visible()
        panel.get_by_role("button", name="Redeliver").click()
        expect(panel.get_by_role("heading", name="3 attempts")).to_be_visible()
        works.next()
        works.next()
        page.keyboard.press("Escape")
        expect(page.locator("#hook-status")).to_contain_text("Last delivered")
        page.get_by_role("button", name="Send a ping").click()
        expect(page.get_by_role("region", name="The ping arrived")).to_contain_text("thanks")
        headers, body = works.next()
        assert json.loads(body)["scope"] == "store/hook/ping"
        assert headers["webhook-signature"].startswith("v1,")


def test_what_a_hook_missed_is_recovered(visit, stack):
    store = Store(stack, "c0ns01e3")
    page = visit.page
    visit.sign_in("c0ns01e3", store.token)
    with Destination(status=410) as gone:
        hook_id = store.hook("store/order/*", gone.url)
        store.delivery(hook_id, store.publish("store/order/created"))
        store.delivery(hook_id, store.publish("store/order/updated"))
    with Destination(port=gone.port) as works:
        visit.open(f"stores/c0ns01e3/hooks/{hook_id}")
        expect(page.locator("#hook-status-title")).to_contain_text("Deactivated")
        page.get_by_role("button", name="Recover").click()
        question = page.get_by_role("dialog", name="Switch the hook on first?")
        question.get_by_role("button", name="Switch it on").click()
        form = page.get_by_role("dialog", name="Recover deliveries")
        since = form.get_by_label("Since")
        expect(since).to_be_focused()
        chosen = since.input_value()
        since.fill("2100-01-01T00:00:00")
        form.get_by_role("button", name="Recover").click()
        expect(since).to_have_accessible_description(re.compile("It lies in the future"))
        since.fill(chosen)
        form.get_by_role("button", name="Recover").click()
        recovered = page.get_by_role("region", name="Recovered")
        expect(recovered).to_contain_text("2 of 2 deliveries since")
        scopes = {json.loads(works.next()[1])["scope"] for _ in range(2)}
        assert scopes == {"store/order/created", "store/order/updated"}
        expect(page.get_by_role("link", name="Delivered")).to_have_count(2)


def test_why_a_hook_is_not_firing_stands_in_the_first_list(visit, troubled):
    visit.sign_in("c0ns01e", troubled.token)
    rows = visit.page.locator("#hooks-list > li")
    expect(visit.page.locator("#hooks-count")).to_have_text(
        "1 deactivated · 1 failing · 1 active · 1 inactive"
    )
    expect(rows.nth(0)).to_contain_text(re.compile("Deactivated.*store/product/created.*410"))
    expect(rows.nth(1)).to_contain_text(
        re.compile(r"Failing.*store/cart/created.*: answered 500\. The next attempt is (in |due now)")
    )
    expect(rows.nth(2)).to_contain_text(re.compile(r"Active.*store/order/created.*Last delivered"))
    expect(rows.nth(3)).to_contain_text(re.compile(r"Inactive.*store/\*.*Events are neither sent nor kept\."))
    rows.nth(0).get_by_role("link").click()
    expect(visit.page.locator("#hook-status")).to_contain_text("410")
    expect(visit.page.get_by_role("link", name="Held")).to_have_count(2)


def test_an_answer_and_a_destination_are_text_whatever_they_look_like(visit, troubled):
    visit.sign_in("c0ns01e", troubled.token)
    visit.page.get_by_role("link", name="store/cart/created").click()
    visit.page.get_by_role("link", name="Retrying").click()
    expect(visit.page.get_by_role("region", name="Response").first).to_have_text(HOSTILE)
    visit.page.route("**/v2/hooks/1", lambda route: route.fulfill(json=_hostile_hook()))
    visit.open("stores/c0ns01e/hooks/1")
    expect(visit.page.locator("#hook-destination")).to_have_text(HOSTILE)
    expect(visit.page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(visit.page.locator("#hook-status")).to_contain_text(HOSTILE)
    assert visit.page.locator("main img, main script, dialog img").count() == 0


def _hostile_hook():
    return {
        "id": 1, "store_hash": HOSTILE, "client_id": HOSTILE, "scope": HOSTILE, "destination": HOSTILE,
        "headers": {HOSTILE: HOSTILE}, "is_active": False, "created_at": "2026-11-24T10:00:00+00:00",
        "updated_at": "2026-11-24T10:00:00+00:00", "deactivated_at": "2026-11-24T10:00:00+00:00",
        "deactivation_reason": HOSTILE,
    }  # fmt: skip


def test_deliveries_are_filtered_and_paged(visit, troubled):
    visit.sign_in("c0ns01e", troubled.token)
    open_hook(visit, 2)
    page = visit.page
    page.get_by_label("Status", exact=True).select_option("delivered")
    expect(page.locator("#deliveries-empty")).to_have_text("No delivery of this hook is delivered.")
    assert page.url.endswith("/hooks/2?status=delivered")
    page.get_by_label("Status", exact=True).select_option("retrying")
    expect(page.locator("#deliveries-list > li")).to_have_count(1)
    page.reload()
    expect(page.get_by_label("Status", exact=True)).to_have_value("retrying")

    whole = troubled.call("GET", "hooks/2/deliveries").json()["data"][0]
    log = [whole | {"id": f"msg_{number:032x}"} for number in range(120, 0, -1)]

    def response(route):
        asked = dict(re.findall(r"(\w+)=(\w+)", route.request.url))
        rest = [one for one in log if one["id"] < asked.get("cursor", "msg_x")]
        size = int(asked["limit"])
        more = len(rest) > size
        route.fulfill(json={"data": rest[:size], "next_cursor": rest[size - 1]["id"] if more else None})

    page.route("**/hooks/2/deliveries?*", response)
    page.get_by_label("Status", exact=True).select_option("")
    rows = page.locator("#deliveries-list > li")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Show older deliveries").click()
    expect(rows).to_have_count(100)
    expect(rows.nth(50).get_by_role("link")).to_be_focused()
    log.insert(0, whole | {"id": f"msg_{121:032x}"})
    page.locator("#hook [data-refresh]").click()
    expect(rows.nth(0)).to_have_attribute("data-key", f"msg_{121:032x}")
    expect(rows).to_have_count(100)


def test_the_attempts_that_are_not_stored_any_more_are_counted_where_the_api_says_how_many(visit, troubled):
    visit.sign_in("c0ns01e", troubled.token)
    page = visit.page
    delivery = troubled.call("GET", "hooks/2/deliveries").json()["data"][0]
    whole = troubled.call("GET", f"hooks/2/deliveries/{delivery['id']}").json()
    (attempt, *_) = whole["attempts"]
    attempts = [attempt | {"at": f"2026-11-24T10:00:{second:02}.000+00:00"} for second in range(40)]
    list_of_one = {"data": [delivery | {"attempts": attempts}], "next_cursor": None}
    page.route("**/hooks/2/deliveries?*", lambda route: route.fulfill(json=list_of_one))
    page.route(
        f"**/hooks/2/deliveries/{delivery['id']}",
        lambda route: route.fulfill(json=whole | {"attempts": attempts, "attempt_count": 43}),
    )
    visit.open("stores/c0ns01e/hooks/2")
    row = page.locator("#deliveries-list > li").get_by_role("link")
    expect(row).to_contain_text("40 or more attempts.")
    row.click()
    panel = page.get_by_role("dialog", name="store/cart/created")
    expect(panel.get_by_role("heading", name="43 attempts")).to_be_visible()
    expect(panel).to_contain_text("The newest 40 are shown.")
    expect(panel.locator("#delivery-attempts > li")).to_have_count(40)


def test_a_refresh_moves_neither_the_focus_nor_the_rows(visit, troubled):
    visit.sign_in("c0ns01e", troubled.token)
    page = visit.page
    page.get_by_role("link", name="store/order/created").focus()
    page.evaluate("() => { window.focusedBefore = document.activeElement; }")
    with page.expect_response("**/v2/hooks?*"):
        page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    assert page.evaluate("() => document.activeElement === window.focusedBefore")


def test_the_token_is_in_this_tab_alone_and_gone_when_signed_out(visit, troubled):
    page = visit.page
    visit.sign_in("c0ns01e", troubled.token)
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    page.reload()
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    assert all(troubled.token not in url for url in [*visit.requests, page.url])
    assert page.evaluate("() => [localStorage.length, document.cookie]") == [0, ""]
    assert troubled.token not in page.content()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Store hash")).to_have_value("c0ns01e")
    expect(page.get_by_label("Access token")).to_be_focused()
    assert page.evaluate("() => sessionStorage.length") == 0
    assert page.locator("#hooks-list > li").count() == 0
    page.go_back()
    expect(page.get_by_role("button", name="Show the hooks")).to_be_visible()


def test_what_goes_wrong_is_told_where_it_belongs(visit, troubled):
    page = visit.page
    visit.sign_in("c0ns01e", "no-such-token")
    problem = page.locator("#sign-in-problem")
    expect(problem).to_contain_text("This token is not known")
    expect(page.get_by_label("Access token")).to_be_focused()
    page.get_by_label("Store hash").fill("an0therst0re")
    page.get_by_label("Access token").fill(troubled.token)
    page.keyboard.press("Enter")
    expect(problem).to_contain_text("it is another store’s, or lacks the OAuth scope")
    page.get_by_label("Store hash").fill("c0ns01e")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hooks", exact=True)).to_be_focused()

    page.get_by_role("button", name="Create a hook").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Scope").fill("store/nothing")
    form.get_by_label("Destination").fill("ftp://example.com")
    form.get_by_label("Headers").fill("no colon")
    form.get_by_role("button", name="Create the hook").click()
    expect(form.get_by_label("Headers")).to_have_accessible_description(re.compile("Line 1 has no colon"))
    form.get_by_label("Headers").fill("")
    form.get_by_role("button", name="Create the hook").click()
    expect(form.get_by_label("Scope")).to_be_focused()
    expect(form.get_by_label("Scope")).to_have_accessible_description(
        re.compile("It is not in the catalogue")
    )
    expect(form.get_by_label("Destination")).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Escape")

    visit.open("stores/c0ns01e/hooks/404")
    expect(page.locator("#hook-problem")).to_contain_text("There is no such thing")
    page.route("**/v2/hooks?*", lambda route: route.fulfill(status=503, json=[]))
    visit.open("stores/c0ns01e/hooks")
    expect(page.locator("#hooks-problem")).to_contain_text("The service failed (503)")
    page.unroute("**/v2/hooks?*")
    page.route("**/v2/hooks?*", lambda route: route.abort())
    page.locator("#hooks [data-refresh]").click()
    expect(page.locator("#hooks-problem")).to_contain_text("No response came")
    page.unroute("**/v2/hooks?*")
    page.locator("#hooks [data-refresh]").click()
    expect(page.locator("#hooks-problem")).to_be_hidden()


def test_all_of_it_goes_without_a_mouse(visit, troubled):
    page = visit.page
    page.goto(visit.url)
    expect(page.get_by_label("Store hash")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    assert visit.focused == "Skip to the content"
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("c0ns01e")
    page.keyboard.press("Tab")
    page.keyboard.type(troubled.token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hooks", exact=True)).to_be_focused()
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    tab_to(visit, "store/cart/created")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_role("link", name="Retrying")).to_be_visible()
    tab_to(visit, "Retrying")
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "where the focus is can be seen"
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("heading", level=2)).to_be_focused()
    tab_to(visit, "Close")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Retrying")).to_be_focused()
    tab_to(visit, "All hooks")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="store/cart/created")).to_be_focused()


def tab_to(visit, text: str) -> None:
    """Go on with the tabulator until what has the focus has this text."""
    for _ in range(40):
        visit.page.keyboard.press("Tab")
        if text in visit.focused:
            return
    raise AssertionError(f"no way leads to {text!r}; the focus is at {visit.focused!r}")


def open_hook(visit, hook_id: int) -> None:
    """Open a hook of the troubled store, and wait until nothing of the view before is there."""
    visit.open(f"stores/c0ns01e/hooks/{hook_id}")
    title = visit.page.get_by_role("heading", level=1, name=SCOPES[hook_id], exact=True)
    expect(title).to_be_visible()


def views(visit, store):
    """Each view and dialog in turn, as it is once it is there."""
    page = visit.page
    page.goto(visit.url)
    yield "signing in"
    visit.sign_in("c0ns01e", store.token)
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    expect(page.get_by_text("Looking at its deliveries")).to_have_count(0)
    yield "the hooks"
    page.get_by_role("button", name="Create a hook").click()
    page.get_by_role("textbox", name="Filter").fill(json.dumps({"data": {"a" * 200: []}}))
    page.get_by_role("dialog").get_by_text("Examples").click()
    page.get_by_role("button", name="Create the hook").click()
    expect(page.get_by_role("dialog").get_by_label("Scope")).to_have_attribute("aria-invalid", "true")
    yield "a form with mistakes"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Try an event").click()
    page.get_by_role("button", name="Show who would get it").click()
    expect(page.locator("#try-rows > tr")).to_have_count(4)
    yield "an event that was tried"
    open_hook(visit, 4)
    page.get_by_text("It has a filter").click()
    yield "a filter"
    for hook_id in (2, 3, 4):
        open_hook(visit, hook_id)
        yield f"hook {hook_id}"
    open_hook(visit, 2)
    page.get_by_role("link", name="Retrying").click()
    expect(page.get_by_role("region", name="Response").first).to_be_visible()
    yield "a delivery"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Recover").click()
    yield "what to recover"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete").click()
    yield "a question"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_people_with_other_senses_can_use_it(browser, stack, troubled, scheme):
    found = {}
    with Visit(browser, stack.base_url, color_scheme=scheme) as visit:
        for view in views(visit, troubled):
            violations = Axe().run(visit.page).response["violations"]
            found[view] = [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations]
    assert {view: violations for view, violations in found.items() if violations} == {}


def test_it_fits_a_phone(browser, stack, troubled):
    with Visit(browser, stack.base_url, viewport=PHONE) as visit:
        assert [view for view in views(visit, troubled) if visit.is_wider_than_its_window()] == []


def test_it_finds_the_api_where_the_stage_is_in_the_path(browser, stack, troubled):
    apis = stack.run.aws("apigateway").get_rest_apis()["items"]
    base_url = f"{stack.endpoint_url}/_aws/execute-api/{apis[0]['id']}/live"

    def as_a_program(route):
        """The local AWS takes no requests of a page: they are sent for it."""
        marks = ("origin", "sec-fetch-")
        headers = {name: value for name, value in route.request.headers.items() if not name.startswith(marks)}
        route.fulfill(response=route.fetch(headers=headers | stack.run.endpoint.headers))

    with Visit(browser, base_url) as visit:
        visit.page.route(f"{base_url}/**", as_a_program)
        visit.sign_in("c0ns01e", troubled.token)
        expect(visit.page.locator("#hooks-list > li")).to_have_count(4)


def portal_link(stack, *options: str) -> str:
    """A link into the console for the client of the troubled store."""
    store = ("--store-hash", "c0ns01e")
    (client,) = json.loads(storehooks(stack, "client", "list", *store, "--json").stdout)
    options = ("--client-id", client["client_id"], *options)
    return json.loads(storehooks(stack, "client", "portal-link", *store, *options, "--json").stdout)["url"]


def test_a_portal_link_signs_in_and_its_token_is_nowhere_but_in_the_tab(visit, stack, troubled):
    page = visit.page
    link = portal_link(stack)
    token = link.partition("token=")[2]
    addresses = []
    page.on("framenavigated", lambda frame: addresses.append(frame.url))
    page.goto(link)
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    expect(page.locator("#session-store")).to_have_text("c0ns01e")
    assert page.url == f"{visit.url}#/stores/c0ns01e/hooks"
    assert page.evaluate("() => history.length") <= 2, "about:blank, and the page"
    page.get_by_role("link", name="store/cart/created").click()
    page.go_back()
    assert page.url == f"{visit.url}#/stores/c0ns01e/hooks"
    assert token not in page.content()
    assert page.evaluate("() => document.referrer") == ""
    assert token not in "".join(url for url in visit.requests if "#" not in url)
    page.reload()
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Access token")).to_be_focused()
    assert page.evaluate("() => sessionStorage.length") == 0


def test_a_read_only_console_shows_no_button_that_would_fail(visit, stack, troubled):
    page = visit.page
    statuses = []
    page.on("response", lambda response: statuses.append((response.request.method, response.status)))
    page.goto(portal_link(stack))
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    expect(page.get_by_text("read-only")).to_be_visible()
    assert buttons(page) == ["Sign out", "Refresh"]
    for hook_id in (1, 2, 3, 4):
        open_hook(visit, hook_id)
        assert buttons(page) == ["Sign out", "Refresh", "Find"]
    open_hook(visit, 2)
    page.get_by_role("link", name="Retrying").click()
    expect(page.get_by_role("region", name="Response").first).to_be_visible()
    assert buttons(page.get_by_role("dialog")) == ["Close"]
    page.keyboard.press("Escape")
    visit.open("stores/c0ns01e/try")
    expect(page.get_by_role("heading", name="Hooks", exact=True)).to_be_visible()
    assert {method for method, _ in statuses} == {"GET"}
    assert {status for _, status in statuses} == {200}


def test_a_token_that_may_only_read_is_known_as_such_when_it_is_typed(visit, stack, troubled):
    page = visit.page
    token = portal_link(stack).partition("token=")[2]
    visit.sign_in("c0ns01e", token)
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    assert buttons(page) == ["Sign out", "Refresh"]


def buttons(place) -> list[str]:
    """The buttons that can be seen in a place."""
    return [button.inner_text() for button in place.get_by_role("button").all() if button.is_visible()]


def test_a_link_that_may_change_things_shows_all_buttons(visit, stack, troubled):
    page = visit.page
    page.goto(portal_link(stack, "--no-read-only"))
    expect(page.get_by_role("button", name="Create a hook")).to_be_visible()
    expect(page.get_by_text("read-only")).to_be_hidden()


def test_a_link_that_has_ended_says_so(visit, stack, troubled):
    page = visit.page
    page.goto(link := portal_link(stack))
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    storehooks(stack, "token", "revoke", "--store-hash", "c0ns01e", link.partition("token=")[2])
    # The page refreshes by itself. Then the link is opened once more.
    expect(page.get_by_role("alert")).to_contain_text("This link has ended")
    assert page.evaluate("() => sessionStorage.length") == 0
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("This link has ended")
    expect(page.get_by_label("Access token")).to_be_visible()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_link_of_the_admin_api_leads_to_where_that_was_called(stack, troubled, scheme):
    base_url = {"http": stack.base_url, "https": stack.tls_base_url}[scheme]
    shown = storehooks(stack, "admin-token", "create", "--expires-in", "1h", "--json").stdout
    (client,) = json.loads(storehooks(stack, "client", "list", "--store-hash", "c0ns01e", "--json").stdout)
    response = requests.post(
        f"{base_url}/admin/v1/stores/c0ns01e/clients/{client['client_id']}/portal-links",
        headers={"X-Auth-Token": json.loads(shown)["access_token"]},
        json={"expires_in_seconds": 60},
        verify=stack.ca_path,
        timeout=60,
    )
    assert response.status_code == 201, response.text
    assert response.json()["data"]["url"].startswith(f"{base_url}/console#/stores/c0ns01e/hooks?token=")


def test_a_link_opened_where_somebody_is_signed_in_leaves_nothing_of_the_one_before(visit, stack, troubled):
    page = visit.page
    other = Store(stack, "c0ns01e5")
    visit.sign_in("c0ns01e5", other.token)
    expect(page.get_by_role("heading", name="No hooks yet")).to_be_visible()
    page.goto(portal_link(stack))
    expect(page.locator("#hooks-list > li")).to_have_count(4)
    assert page.url == f"{visit.url}#/stores/c0ns01e/hooks"
    assert buttons(page) == ["Sign out", "Refresh"]
