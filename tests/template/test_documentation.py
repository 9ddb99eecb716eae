"""What the docs say of routes, settings and errors is what the template and the code have."""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from storehooks.api.event_input import MAX_EVENTS, NewEvent
from storehooks.api.hook_input import LIBRARIES_FIELDS, READ_ONLY_FIELDS, NewHook
from storehooks.domain.callback import USER_AGENT
from storehooks.domain.delivery import Status
from storehooks.domain.headers import MAX_ANSWER_BYTES, MAX_HEADERS
from storehooks.domain.hook import DEFAULT_QUOTAS, MAX_HOOKS_PER_SCOPE
from storehooks.domain.identity import ADMIN_OAUTH_SCOPE, OAUTH_SCOPES
from storehooks.domain.retry import BIGCOMMERCE_SCHEDULE, RetrySchedule
from storehooks.flows.meter import Count, Duration
from storehooks_cli.commands import commands
from storehooks_cli.connection import ApiOptions
from storehooks_cli.local import documentation
from storehooks_cli.stopping import SIGNALS
from tests.openapi_file import openapi
from tests.template_file import parsed, resources, template

ROOT = Path(__file__).parents[2]
PAGES = {
    path.name: path.read_text()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/[!R]*.md"))
}
API_PAGE = PAGES["api.md"]
COMMAND_LINE_PAGE = (ROOT / "docs" / "command-line.md").read_text()
ADMIN_PAGE = PAGES["admin-api.md"]
V3_PAGE = (ROOT / "docs" / "api-v3.md").read_text()


def section(page: str, title: str) -> str:
    """The text under a heading, up to the next of any level."""
    (text,) = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGES[page], re.DOTALL | re.MULTILINE)
    return text


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| (.*?) \|", text, re.MULTILINE)


def routes(text: str) -> set[tuple[str, ...]]:
    """The methods and paths in the first cells of its tables."""
    found = re.findall(r"^\| `([A-Z]+ /[^`]*)`", text, re.MULTILINE)
    return {tuple(route.split("?")[0].split()) for route in found}


def test_the_readme_is_read_in_five_minutes():
    assert len(PAGES["README.md"].encode()) <= 8 * 1024


def test_the_index_has_every_page():
    index = (ROOT / "docs" / "README.md").read_text()
    linked = {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#]+)\)", index)}
    files = {path for kind in ("md", "yaml", "json") for path in ROOT.glob(f"docs/*.{kind}")}
    pages = files | {ROOT / "CONTRIBUTING.md"}
    assert linked == pages - {ROOT / "docs" / "README.md"}


def test_the_index_calls_every_page_by_its_title():
    names = re.findall(r"\[([^\]]+)\]\(([\w-]+\.md)\)", (ROOT / "docs" / "README.md").read_text())
    assert len(names) > 20
    for name, page in names:
        assert PAGES[page].startswith(f"# {name}\n"), page


def test_every_file_that_the_page_of_contributing_names_exists():
    named = re.findall(r"`((?:tests|layers|cli|events|functions|docs)/[\w/.]+)`", PAGES["CONTRIBUTING.md"])
    assert named
    # The worked example adds some.
    patch = (ROOT / "docs" / "examples" / "add-an-operation.patch").read_text()
    added = set(re.findall(r"^new file mode.*\n.*\n.*\n\+\+\+ b/(.*)$", patch, re.MULTILINE))
    assert all((ROOT / one).exists() or one in added for one in named if "<" not in one)


def test_every_route_is_in_the_table_of_its_version():
    assert all("/v3/" not in path for _, path in routes(API_PAGE))
    assert all("/v3/" in path for _, path in routes(V3_PAGE))
    assert all(path.startswith("/admin/v1/") for _, path in routes(ADMIN_PAGE))
    described = routes(API_PAGE) | routes(V3_PAGE) | routes(ADMIN_PAGE)
    deployed = set()
    for function in resources("AWS::Serverless::Function").values():
        for event in function.get("Events", {}).values():
            if event["Type"] == "Api":
                deployed.add((event["Properties"]["Method"].upper(), event["Properties"]["Path"]))
    assert described == deployed | {("GET", documentation.ROOT)}, "or what the local stack serves besides"


def parameters() -> list[tuple[str, str, str]]:
    """The name, the default and what is accepted of each parameter that a page has."""
    text = section("deploying.md", "Parameters") + section("deploying.md", "Thresholds of alarms")
    return re.findall(r"^\| `([A-Z]\w+)` \| `?(.*?)`? \| (.*?) \|", text, re.MULTILINE)


def test_every_parameter_of_the_template_is_described_with_its_default():
    described = {name: default for name, default, _ in parameters()}
    defaults = {name: str(given["Default"]) or "none" for name, given in template()["Parameters"].items()}
    assert described == defaults


def test_what_a_parameter_accepts_is_what_the_template_accepts():
    for name, _, accepted in parameters():
        given = template()["Parameters"][name]
        if "MaxValue" in given:
            assert accepted == f"{given['MinValue']} to {given['MaxValue']}", name
        elif "MinValue" in given:
            assert accepted == f"at least {given['MinValue']}", name
        elif name == "LogRetentionDays":
            assert accepted.endswith(f" {given['AllowedValues'][0]} to {given['AllowedValues'][-1]}")
        elif "AllowedValues" in given:
            assert re.findall(r"`(\w+)`", accepted) == given["AllowedValues"], name


def test_every_variable_of_make_run_is_described_with_its_default():
    makefile = (ROOT / "Makefile").read_text()
    (recipe,) = re.findall(r"^run: install\n(.*?)\n\n", makefile, re.DOTALL | re.MULTILINE)
    used = set(re.findall(r"\$\((\w+)\)", recipe))
    defaults = {
        name: value or "none"
        for name, value in re.findall(r"^(\w+) \?= ?(.*)$", makefile, re.MULTILINE)
        if name in used
    }
    rows = re.findall(
        r"^\| `(\w+)` \| `?([^|`]+)`? \|", section("local.md", "Running it locally"), re.MULTILINE
    )
    assert {name: value.strip() for name, value in rows} == defaults


def test_every_status_is_in_the_table_of_errors():
    described = {
        int(status)
        for cell in first_cells(section("api.md", "Errors"))
        for status in re.findall(r"\b\d{3}\b", cell)
    }
    gateway = {
        response["StatusCode"]
        for response in resources("AWS::Serverless::Api")["Api"]["GatewayResponses"].values()
    }
    source = (ROOT / "layers/shared/storehooks/api/errors.py").read_text()
    functions = {int(status) for status in re.findall(r"(?:return \(?\s*|Response\()(\d{3})\b", source)}
    assert described == gateway | functions


def test_every_field_is_described():
    cells = [cell for cell in first_cells(section("api.md", "Requests")) if "/" not in cell]
    described = set(re.findall(r"`(\w+)`", " ".join(cells)))
    # Of the newer version alone: docs/api-v3.md has them.
    of_v3 = {"events_history_enabled", "status"}
    assert described == set(NewHook.model_fields) | LIBRARIES_FIELDS | READ_ONLY_FIELDS - of_v3


@pytest.mark.parametrize("page", ["README.md", "api-v3.md"])
def test_where_clients_are_said_to_work_unchanged_the_gateways_form_is_said_too(page):
    paragraphs = [part for part in PAGES[page].split("\n\n") if re.search(r"\bunchanged\b", part)]
    assert paragraphs
    for paragraph in paragraphs:
        assert re.search(r"401, 403, 404 (and|or) 429", paragraph)


def test_the_differences_from_bigcommerce_are_listed():
    _, _, table = V3_PAGE.partition("## What is otherwise than at BigCommerce\n")
    rows = " ".join(first_cells(table))
    for difference in ("When a hook is deactivated", "`store/app/uninstalled`", "`events_history_enabled`"):
        assert difference in rows
    (rule,) = [row for row in table.splitlines() if row.startswith("| When a hook is deactivated")]
    assert "only if nothing has reached the hook since that delivery's first attempt" in rule


def test_every_field_of_an_event_is_described():
    described = set(
        re.findall(r"`(\w+)`", " ".join(first_cells(section("publishing.md", "Publishing events"))))
    )
    assert described == set(NewEvent.model_fields)


def test_every_status_of_a_delivery_is_described():
    (listed_there,) = re.findall(
        r"`status` is one of\s+(.*?), `limit`", section("deliveries.md", "The delivery log"), re.DOTALL
    )
    assert set(re.findall(r"`(\w+)`", listed_there)) == set(Status)


MAKEFILE = (ROOT / "Makefile").read_text()


def test_every_target_of_make_is_described_where_make_is_read():
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    described = re.findall(r"^# make ([\w-]+)", MAKEFILE, re.MULTILINE)
    defined = re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.MULTILINE)
    parts_of_lint = {target for target in defined if target.startswith("lint-")}
    # What the others use, and nobody types.
    assert set(phony.split()) == {*described, *parts_of_lint, "install", "environments"}
    assert set(phony.split()) == set(defined)


def test_make_help_which_make_alone_runs_lists_every_described_target():
    """Without an installation."""
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    described = re.findall(r"^# (make .*)$", MAKEFILE, re.MULTILINE)
    assert shown.splitlines() == described


def test_every_variable_of_make_that_is_named_is_one():
    used = set(re.findall(r"\$\((\w+)\)", MAKEFILE))
    head = MAKEFILE.split("\n\n")[0]
    named = set(re.findall(r"\b([A-Z]{2,}(?:_[A-Z]+)*)\b", " ".join(re.findall(r"\(([^)]*)\)", head))))
    in_pages = {
        name
        for page in PAGES.values()
        for line in re.findall(r"make [a-z-]+((?: [A-Z_]+=\S+)+)", page)
        for name in re.findall(r" ([A-Z_]+)=", line)
    }
    assert named
    assert in_pages
    assert named | in_pages <= used


@pytest.mark.parametrize("page", PAGES)
def test_every_target_that_a_page_names_exists(page):
    named = set(re.findall(r"`make ([a-z][\w-]*)", PAGES[page]))
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGES[page], re.DOTALL | re.MULTILINE):
        named |= set(re.findall(r"^make ([a-z][\w-]*)", block, re.MULTILINE))
    assert named <= set(re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_every_output_that_a_page_names_exists(page):
    named = re.findall(r"\boutputs? `(\w+)`|OutputKey=='(\w+)'", PAGES[page])
    of_the_network = parsed((ROOT / "docs" / "static-egress.yaml").read_text())["Outputs"].keys()
    assert {one or other for one, other in named} <= template()["Outputs"].keys() | of_the_network


def test_every_metric_is_described():
    page = (ROOT / "docs" / "runbook.md").read_text()
    (text,) = re.findall(r"^## Metrics\n(.*?)(?=^## )", page, re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(first_cells(text)))) == {*Count, *Duration}


def command_line(group=None, *path: str) -> Iterator[tuple[str, list[Any]]]:
    """Each command, with its parameters."""
    for name, command in (group or typer.main.get_command(commands)).commands.items():
        if hasattr(command, "commands"):
            yield from command_line(command, *path, name)
        else:
            yield " ".join([*path, name]), command.params


def test_every_command_is_described_with_its_arguments_and_options():
    rows = re.findall(r"^\| `storehooks ([^`]+)` \| (.*?) \|", COMMAND_LINE_PAGE, re.MULTILINE)
    described = {command: set(re.findall(r"`(--[\w-]+)`", options)) for command, options in rows}
    common = {f"--{field.name.replace('_', '-')}" for field in fields(ApiOptions)} | {"--json"}
    exist = {}
    for command, parameters in command_line():
        names = {one: [*one.opts, *one.secondary_opts] for one in parameters}
        arguments = [(one.metavar or one.name).upper() for one in names if one.param_type_name == "argument"]
        options = {name for given in names.values() for name in given if name.startswith("--")}
        # Among those that all have, only a client is sometimes what the command is about.
        meant = {"--client-id"} if "--url" not in options else set()
        exist[" ".join([command, *arguments])] = options - (common - meant)
    assert described == exist


def test_every_exit_status_is_in_the_table():
    rows = section("command-line.md", "Output and exit statuses")
    statuses = [one for cell in first_cells(rows) for one in re.findall(r"\b\d+\b", cell)]
    assert statuses == ["0", "1", "2", *(str(128 + number) for number in SIGNALS)]
    assert "`hook sync` is used wrongly" in rows
    assert "`hook sync --dry-run` found differences" in rows


@pytest.mark.parametrize("command", [command.split() for command, _ in command_line()], ids=" ".join)
def test_wrong_usage_ends_with_2_and_with_1_of_the_command_that_says_differences_by_2(command):
    status = 1 if command == ["hook", "sync"] else 2
    assert CliRunner().invoke(commands, [*command, "--no-such-option"]).exit_code == status


def test_every_variable_of_a_command_is_described():
    rows = re.findall(r"^\| `(--[\w-]+)` \| `(\w+)` \|", COMMAND_LINE_PAGE, re.MULTILINE)
    exist = {
        (option, parameter.envvar)
        for _, parameters in command_line()
        for parameter in parameters
        if parameter.envvar
        for option in parameter.opts
    }
    assert set(rows) == exist


def test_the_schedule_is_told_in_words():
    slots = RetrySchedule.parse(BIGCOMMERCE_SCHEDULE).slots
    page = PAGES["deliveries.md"]
    assert f"{listed(slot // 60 for slot in slots if slot <= 1800)} minutes, " in page
    assert f", {listed(slot // 3600 for slot in slots if slot > 1800)} hours" in page


def listed(numbers: Iterable[int]) -> str:
    *all_but_last, last = map(str, numbers)
    return f"{', '.join(all_but_last)} and {last}"


def test_the_user_agent_is_shown_with_this_version():
    assert f"User-Agent: {USER_AGENT}\n" in PAGES["deliveries.md"]


def test_the_limits_are_those_of_the_code():
    assert f"at most {MAX_HOOKS_PER_SCOPE} hooks for one scope" in API_PAGE
    assert f"At most {MAX_HEADERS} headers" in API_PAGE
    assert f", {DEFAULT_QUOTAS.per_client:,} in all (" in API_PAGE
    assert f"All clients of a store together may have {DEFAULT_QUOTAS.per_store:,} (" in API_PAGE
    assert f"{MAX_ANSWER_BYTES:,} bytes" in API_PAGE


def test_what_one_publish_leads_to_is_bounded_by_its_events_and_the_stores_hooks():
    bound = f"{MAX_EVENTS} × {DEFAULT_QUOTAS.per_store:,}"
    assert f"one publish of {MAX_EVENTS} events leads to at\nmost {bound} deliveries" in API_PAGE
    assert len(RetrySchedule.parse(BIGCOMMERCE_SCHEDULE).slots) + 1 == 12
    assert f"{bound} at most, with twelve attempts each" in PAGES["operations.md"]


def test_the_admin_page_has_the_examples_and_the_fields_of_the_document():
    admin = [
        operation
        for path, methods in openapi()["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/admin/") and method != "parameters"
    ]
    schemas: set[str] = set()
    expected = []
    for operation in admin:
        if "requestBody" in operation:
            (media,) = operation["requestBody"]["content"].values()
            expected += [example["value"] for example in media["examples"].values()]
            schemas.add(media["schema"]["$ref"].rpartition("/")[2])
        # Of two successes, the second is the first without its secret.
        _, first = max((int(status), one) for status, one in operation["responses"].items() if status < "3")
        for media in first.get("content", {}).values():
            expected.append(media["example"])
    shown = [
        json.loads(block)
        for block in re.findall(r"^```json\n(.*?)^```$", ADMIN_PAGE, re.DOTALL | re.MULTILINE)
    ]
    assert sorted(map(json.dumps, shown)) == sorted(map(json.dumps, expected))
    fields = {name for schema in schemas for name in openapi()["components"]["schemas"][schema]["properties"]}
    for name in ("NewClient", "ListedClient", "RotatedSecret", "ProvisionedToken", "PortalLink"):
        fields |= openapi()["components"]["schemas"][name]["properties"].keys()
    _, _, text = ADMIN_PAGE.partition("## Requests and responses\n")
    described = re.findall(r"`(\w+)`", " ".join(first_cells(text.partition("\n## ")[0])))
    assert set(described) == fields


def test_the_api_page_has_every_oauth_scope():
    described = [cell.strip("`") for cell in first_cells(section("api.md", "OAuth scopes"))]
    assert sorted(described[1:]) == sorted([*OAUTH_SCOPES, ADMIN_OAUTH_SCOPE])


def test_every_test_that_the_threat_model_names_exists():
    page = (ROOT / "docs" / "threat-model.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", page))
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    assert named <= defined
    (threats,) = re.findall(r"^## Threats\n(.*?)^## ", page, re.DOTALL | re.MULTILINE)
    rows = [row for row in threats.splitlines() if row.startswith("|")][2:]
    assert all("`test_" in row for row in rows)


def test_every_requirement_is_pinned_with_a_digest():
    files = [*(ROOT / "requirements").glob("*.txt"), ROOT / "layers/shared/requirements.txt"]
    for path in files:
        pins = [pin for pin in re.split(r"\n(?=\S)", path.read_text()) if pin.strip()]
        assert pins
        for pin in pins:
            assert re.match(r"[A-Za-z0-9._\-\[\]]+==\S+ ", pin), pin
            assert "--hash=sha256:" in pin, pin
