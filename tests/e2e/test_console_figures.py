"""The console's figures of a hook, its search and its test event, in a real browser on the running stack."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.e2e.browser import WAIT_MS, Visit, chromium
from tests.e2e.store import Destination, Store
from tests.e2e.test_pulling import first_pulled, pulled

pytestmark = pytest.mark.toolchain

expect.set_options(timeout=WAIT_MS)

STORE = "f1gures"
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def store(stack):
    """A store with a hook that got two events, of which one failed."""
    store = Store(stack, STORE)
    with Destination() as works:
        hook_id = store.hook("store/order/*", works.url)
        store.delivery(hook_id, store.publish("store/order/created"))
    store.delivery(hook_id, store.publish("store/order/updated"))  # nobody listens there any more
    return store


@pytest.fixture
def visit(browser, stack, store):
    with Visit(browser, stack.base_url) as visit:
        visit.sign_in(STORE, store.token)
        expect(visit.page.locator("#hooks-list > li")).to_have_count(1)
        yield visit


def opened(visit):
    visit.open(f"stores/{STORE}/hooks/1")
    expect(visit.page.get_by_role("heading", level=1, name="store/order/*")).to_be_visible()
    return visit.page.get_by_role("region", name="Figures", exact=True)


def test_the_figures_are_told_drawn_and_put_in_a_table_which_the_keyboard_opens(visit):
    figures = opened(visit)
    expect(figures).to_contain_text(re.compile(r"2 deliveries, 1 of them delivered\. \d attempts, .* failed"))
    expect(figures).to_contain_text("no connection: ")
    expect(figures).to_contain_text(re.compile("1 waiting now, of which the oldest came .* ago"))
    assert figures.locator("rect.stats-ok").count() == 1
    assert figures.locator("rect.stats-bad").count() == 1
    figures.get_by_text("As a table").focus()
    visit.page.keyboard.press("Enter")
    row = figures.get_by_role("table").get_by_role("row").nth(1)
    expect(row).to_contain_text("connection")
    figures.get_by_label("Events of").select_option("the last hour")
    with visit.page.expect_response("**/stats?*step=21600"):
        figures.get_by_label("Events of").select_option("the last 7 days")


@pytest.mark.parametrize(
    "options", [{}, {"color_scheme": "dark"}, {"viewport": PHONE}], ids=["light", "dark", "phone"]
)
def test_the_figures_are_for_everybody(browser, stack, store, options):
    with Visit(browser, stack.base_url, **options) as visit:
        visit.sign_in(STORE, store.token)
        figures = opened(visit)
        figures.get_by_text("As a table").click()
        expect(figures.get_by_role("table")).to_be_visible()
        assert Axe().run(visit.page).response["violations"] == []
        assert not visit.is_wider_than_its_window()


def test_a_delivery_is_found_by_its_events_id_and_all_are_shown_again(visit, store):
    opened(visit)
    page = visit.page
    newest = store.call("GET", "hooks/1/deliveries").json()["data"][0]
    rows = page.locator("#deliveries-list > li")
    expect(rows).to_have_count(2)
    page.get_by_label("Event or data id").fill(newest["event_id"])
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows.nth(0)).to_have_attribute("data-key", newest["id"])
    page.get_by_label("Event or data id").fill("no such event")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#deliveries-empty")).to_contain_text("No delivery is of an event with this id")
    page.get_by_label("Event or data id").fill("")
    expect(rows).to_have_count(2)


def test_a_token_that_may_publishes_the_event_that_is_tried(visit, store):
    page = visit.page
    page.get_by_role("button", name="Try an event").click()
    form = page.get_by_role("region", name="Try an event")
    form.get_by_label("Scope").fill("store/cart/created")
    data = form.get_by_label("Data")
    data.fill("[")
    page.get_by_role("button", name="Publish a test event").click()
    expect(data).to_have_accessible_description(re.compile("It is not JSON"))
    data.fill('{"id": 1.50}')
    page.get_by_role("button", name="Publish a test event").click()
    question = page.get_by_role("dialog", name="Publish this event?")
    with page.expect_request("**/v2/events") as sent:
        question.get_by_role("button", name="Publish it").click()
    assert sent.value.post_data == '{"scope":"store/cart/created","data":{"id": 1.50}}'
    expect(page.locator("#try-published")).to_contain_text("Published, with the id")


def test_a_token_that_cannot_publish_is_not_offered_to(visit, store):
    def without_events(route):
        response = route.fetch()
        route.fulfill(response=response, headers=response.headers | {"x-oauth-scopes": "default"})

    page = visit.page
    page.route("**/v2/hooks?*", without_events)
    with page.expect_response("**/v2/hooks?*"):
        page.locator("#hooks [data-refresh]").click()
    page.get_by_role("button", name="Try an event").click()
    expect(page.get_by_role("button", name="Show who would get it")).to_be_visible()
    expect(page.get_by_role("button", name="Publish a test event")).to_be_hidden()


def test_publishing_is_offered_after_a_reload_once_it_is_known_that_the_token_may(visit):
    held = []
    page = visit.page
    page.get_by_role("button", name="Try an event").click()
    publish = page.get_by_role("button", name="Publish a test event")
    expect(publish).to_be_visible()
    page.route("**/v2/hooks?*", lambda route: held.append(route))  # noqa: PLW0108 - it takes no builtin
    with page.expect_request("**/v2/hooks?*"):
        page.reload()
    expect(page.get_by_role("heading", name="Try an event")).to_be_focused()
    expect(publish).to_be_hidden()
    held[0].continue_()
    expect(publish).to_be_visible()


def test_an_attempt_that_a_consumer_acknowledged_has_a_badge_that_says_so(browser, stack):
    store = Store(stack, "f1gures2")
    hook_id = store.hook("store/order/*", "pull:")
    event_id = store.publish("store/order/created")
    (one,) = first_pulled(store, hook_id)
    pulled(store, hook_id, ack=[one["id"]])
    assert store.delivery(hook_id, event_id)["status"] == "delivered"
    with Visit(browser, stack.base_url) as visit:
        visit.sign_in("f1gures2", store.token)
        visit.open(f"stores/f1gures2/hooks/{hook_id}/deliveries/{one['id']}")
        attempts = visit.page.get_by_role("dialog", name="store/order/created").locator("#delivery-attempts")
        expect(attempts.locator(".badge.ok")).to_have_text("Acknowledged")
        expect(attempts).to_contain_text("until it was acknowledged")
        expect(attempts).not_to_contain_text("until it failed")
