"""A real browser, and what it did: Debian's Chromium, without a window."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from tests.optional import program

# It asks nobody for updates, and a fresh profile of its own is deleted at the end.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WAIT_MS = 40_000


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """The browser, with further flags."""
    path = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        yield browser
        browser.close()


class Visit:
    """A page as a person has it before them; and what went on behind it."""

    def __init__(self, browser: Browser, base_url: str, **options) -> None:
        self.base_url = base_url
        self.url = f"{base_url}/console"
        self._context = browser.new_context(**options)
        self._context.set_default_timeout(WAIT_MS)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._context.on("request", lambda request: self.requests.append(request.url))
        self._context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self._context.on("console", lambda message: self._hear(message.type, message.text))
        self.page: Page = self._context.new_page()

    def _hear(self, kind: str, text: str) -> None:
        # An answer that is no 2xx is the page's to tell of; the browser notes each.
        if kind in {"error", "warning"} and not text.startswith("Failed to load resource"):
            self.complaints.append(text)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _trace) -> None:
        if error is not None:
            error.add_note(f"{self.page.url}: {self.page.locator('body').inner_text()}\n{self.complaints}")
        # A request that a test's own route still handles would fail at its end, in the next test.
        self.page.unroute_all(behavior="ignoreErrors")
        self._context.close()
        if kind is None:
            assert self.complaints == []
            assert {
                url for url in self.requests if not url.startswith(("data:", f"{self.base_url}/"))
            } == set()

    def sign_in(self, store_hash: str, token: str) -> None:
        """Open the console and give it both."""
        self.page.goto(self.url)
        self.page.get_by_label("Store hash").fill(store_hash)
        self.page.get_by_label("Access token").fill(token)
        self.page.get_by_role("button", name="Show the hooks").click()

    def open(self, place: str) -> None:
        """Follow a link to a place in the console."""
        self.page.goto(f"{self.url}#/{place}")

    @property
    def focused(self) -> str:
        """The text of the link, button or heading that has the focus."""
        return self.page.evaluate(
            """() => document.activeElement.matches("a, button, h1, h2")
                ? document.activeElement.textContent.trim() : "" """
        )

    def is_wider_than_its_window(self) -> bool:
        return self.page.evaluate(
            """() => [document.documentElement, ...document.querySelectorAll("dialog[open]")]
                .some((element) => element.scrollWidth > element.clientWidth)"""
        )
