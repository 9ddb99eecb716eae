"""The local AWS's port takes requests of the stack's owner alone, and of no web page."""

import os
import secrets
import shutil
import subprocess
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from tests.e2e.browser import WAIT_MS, chromium
from tests.e2e.conftest import copied
from tests.e2e.local_run import STORE_HASH, LocalRun
from tests.optional import another_user, program

pytestmark = pytest.mark.toolchain

EVIL = "evil.example"
HOOKS = f"/stores/{STORE_HASH}/v2/hooks"

# What a page can have its browser send. Each gives what the page could read, null if nothing.
ATTEMPTS = {
    "fetch": "url => fetch(url).then(response => response.text(), () => null)",
    "fetch with a preflight": """url => fetch(url, {method: "POST", headers: {"X-Amz-Target": "CreateQueue"}})
        .then(response => response.text(), () => null)""",
    "fetch without CORS": """url => fetch(url, {method: "POST", mode: "no-cors"})
        .then(async response => await response.text() || null, () => null)""",
    "image": """url => new Promise(resolve => {
        const image = new Image();
        image.onload = () => resolve("loaded");
        image.onerror = () => resolve(null);
        image.src = url;
    })""",
    "script": """url => new Promise(resolve => {
        const script = document.createElement("script");
        script.onload = () => resolve("loaded");
        script.onerror = () => resolve(null);
        script.src = url;
        document.body.append(script);
    })""",
}
SUBMIT = """url => {
    const form = document.body.appendChild(document.createElement("form"));
    Object.assign(form, {action: url, method: "POST"});
    form.submit();
}"""


@pytest.fixture(scope="module")
def browser():
    """A browser to which the attacker's name is this machine."""
    with chromium(f"--host-resolver-rules=MAP {EVIL} 127.0.0.1") as browser:
        yield browser


@pytest.fixture
def page(browser):
    context = browser.new_context()
    context.set_default_timeout(WAIT_MS)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def attackers_port():
    """A server of the attacker's, with an empty page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>page</title><body></body>")

        def log_message(self, *_arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def attack(stack):
    """A URL that creates a queue, as if the attacker had the key; and what finds that queue."""
    name = f"attack-{secrets.token_hex(8)}"
    credential = f"{stack.run.endpoint.access_key_id}/20260101/us-east-1/sqs/aws4_request"
    query = urlencode({"Action": "CreateQueue", "QueueName": name, "X-Amz-Credential": credential})

    def queues() -> list[str]:
        return stack.run.aws("sqs").list_queues(QueueNamePrefix=name).get("QueueUrls", [])

    return f"{stack.endpoint_url}/?{query}", queues


def test_the_attack_would_succeed_without_the_browsers_marks(attack):
    url, queues = attack
    assert requests.post(url, timeout=60).status_code == 200
    assert len(queues()) == 1


@pytest.mark.parametrize("host", [EVIL, "127.0.0.1"])
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_page_reaches_nothing_even_if_it_knew_the_key(page, stack, attackers_port, attack, host, attempt):
    url, queues = attack
    page.goto(f"http://{host}:{attackers_port}/")
    with page.context.expect_event("request", lambda request: request.url == url):
        assert page.evaluate(ATTEMPTS[attempt], url) is None
    assert queues() == []


@pytest.mark.parametrize("host", [EVIL, "127.0.0.1"])
def test_a_form_of_a_page_reaches_nothing_even_if_it_knew_the_key(page, attackers_port, attack, host):
    url, queues = attack
    page.goto(f"http://{host}:{attackers_port}/")
    with page.expect_navigation() as navigation:
        page.evaluate(SUBMIT, url)
    assert navigation.value.status == 403
    assert queues() == []


def test_a_name_that_is_made_to_resolve_to_this_machine_reaches_nothing(page, stack, attack):
    url, queues = attack
    rebound = urlsplit(url)._replace(netloc=f"{EVIL}:{urlsplit(url).port}").geturl()
    response = page.goto(rebound)
    assert response.status == 403
    assert not [name for name in response.headers if name.startswith("access-control-")]
    # From here on the page and the local AWS are of one origin.
    assert "does not take" in page.evaluate("url => fetch(url).then(response => response.text())", rebound)
    assert page.goto(f"http://{EVIL}:{stack.run.port}/console").status == 403
    assert queues() == []


def test_a_person_who_follows_no_link_needs_the_key(page, stack):
    response = page.goto(f"{stack.endpoint_url}/_ministack/health")
    assert response.status == 403
    assert "access key id" in response.text()


def test_a_preflight_gets_no_cors_header(stack):
    headers = {
        "Origin": f"http://{EVIL}",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
        **stack.run.endpoint.headers,
    }
    response = requests.options(stack.endpoint_url, headers=headers, timeout=60)
    assert response.status_code == 403
    assert not [name for name in response.headers if name.lower().startswith("access-control-")]


# ---------------------------------------------------------------- another user of the machine


@pytest.fixture(scope="module")
def open_run(stopped_stack):
    """A stack in a folder that every user can enter, with a host of its own."""
    another_user()
    folder = Path(tempfile.mkdtemp(prefix="storehooks-"))
    folder.chmod(0o755)
    try:
        with LocalRun(copied(stopped_stack, folder / "data"), ALLOWED_HOSTS="hooks.test") as run:
            run.ready()
            yield run
            assert run.stop() == 0
    finally:
        shutil.rmtree(folder)


def as_another_user(*command) -> subprocess.CompletedProcess[str]:
    user = another_user()
    return subprocess.run(
        command,
        user=user,
        group=user,
        extra_groups=[],
        cwd="/",
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def files_with(text: str, folder: Path, run) -> set[str]:
    found = run("grep", "--recursive", "--files-with-matches", "--fixed-strings", text, folder)
    return {Path(line).name for line in found.stdout.splitlines()}


def as_owner(*command) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_another_user_finds_the_key_in_no_file_and_no_process(open_run):
    key = open_run.endpoint.access_key_id
    assert as_another_user("cat", open_run.data_dir / "ca.pem").stdout.startswith("-----BEGIN CERTIFICATE")
    for name in ("stack.json", "credentials"):
        assert as_another_user("cat", open_run.data_dir / name).stdout == ""
    assert files_with(key, open_run.data_dir, as_owner) == {"stack.json", "credentials"}
    assert files_with(key, open_run.data_dir, as_another_user) == set()
    processes = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ"
    assert key in as_owner("sh", "-c", processes).stdout
    seen = as_another_user("sh", "-c", processes).stdout
    assert "ministack_main.py" in seen
    assert key not in seen


@pytest.mark.parametrize("path", ["/", "/_ministack/health", "/_aws/execute-api/{api}/live/console"])
@pytest.mark.parametrize("credential", [None, "test", "000000000000"])
def test_another_user_reaches_nothing(open_run, path, credential):
    url = f"{open_run.endpoint.url}{path.format(api=open_run.outputs['ApiId'])}"
    signed = f"Authorization: AWS4-HMAC-SHA256 Credential={credential}/20260101/us-east-1/lambda/aws4_request"
    shown = as_another_user(
        *(program("curl"), "--silent", "--show-error", "--write-out", "\n%{http_code}", url),
        *(("--header", signed) if credential else ()),
    )
    *body, status = shown.stdout.splitlines()
    assert status == "403", shown.stderr
    assert "access key id" in "".join(body)


def test_a_host_that_is_allowed_is_taken_by_both(open_run):
    as_allowed = {"Host": "hooks.test"}
    headers = as_allowed | {"X-Auth-Token": open_run.token}
    assert requests.get(f"{open_run.base_url}{HOOKS}", headers=headers, timeout=60).status_code == 200
    headers = as_allowed | open_run.endpoint.headers
    url = f"{open_run.endpoint.url}/_ministack/health"
    assert requests.get(url, headers=headers, timeout=60).status_code == 200
    assert requests.get(url, headers=as_allowed, timeout=60).status_code == 403
