"""What the README says of routes, settings and errors is what the template and the code have."""

import re
from pathlib import Path

from storehooks.api.hook_input import READ_ONLY_FIELDS, NewHook
from storehooks.domain.headers import MAX_ANSWER_BYTES, MAX_HEADERS
from storehooks.domain.hook import MAX_HOOKS_PER_SCOPE
from tests.template_file import resources, template

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """The text under a heading, up to the next of any level."""
    (text,) = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", README, re.DOTALL | re.MULTILINE)
    return text


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| (.*?) \|", text, re.MULTILINE)


def test_every_route_is_in_the_api_table():
    described = {
        tuple(route.split("?")[0].split())
        for route in re.findall(r"^\| `([A-Z]+ /[^`]*)`", README, re.MULTILINE)
    }
    deployed = set()
    for function in resources("AWS::Serverless::Function").values():
        for event in function.get("Events", {}).values():
            if event["Type"] == "Api":
                deployed.add((event["Properties"]["Method"].upper(), event["Properties"]["Path"]))
    assert described == deployed


def test_every_parameter_of_the_template_is_described_with_its_default():
    rows = dict(re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", section("Deploying it"), re.MULTILINE))
    described = {}
    for names, defaults in rows.items():
        named = re.findall(r"`(\w+)`", names)
        values = [value.strip("` ") for value in defaults.split(", ")]
        described |= dict(zip(named, values * len(named) if len(values) == 1 else values, strict=False))
    defaults = {name: str(given["Default"]) or "none" for name, given in template()["Parameters"].items()}
    assert described == defaults


def test_every_variable_of_make_run_is_described_with_its_default():
    makefile = (ROOT / "Makefile").read_text()
    (recipe,) = re.findall(r"^run: install\n(.*?)\n\n", makefile, re.DOTALL | re.MULTILINE)
    used = set(re.findall(r"\$\((\w+)\)", recipe))
    defaults = {
        name: value for name, value in re.findall(r"^(\w+) \?= (.*)$", makefile, re.MULTILINE) if name in used
    }
    rows = re.findall(r"^\| `(\w+)` \| `?([^|`]+)`? \|", section("Running it locally"), re.MULTILINE)
    assert {name: value.strip() for name, value in rows} == defaults


def test_every_status_is_in_the_table_of_errors():
    described = {
        int(status) for cell in first_cells(section("Errors")) for status in re.findall(r"\b\d{3}\b", cell)
    }
    gateway = {
        answer["StatusCode"]
        for answer in resources("AWS::Serverless::Api")["Api"]["GatewayResponses"].values()
    }
    source = (ROOT / "layers/shared/storehooks/api/errors.py").read_text()
    functions = {int(status) for status in re.findall(r"(?:return \(?\s*|Response\()(\d{3})\b", source)}
    assert described == gateway | functions


def test_every_field_is_described():
    described = set(re.findall(r"`(\w+)`", " ".join(first_cells(section("The API")))))
    other_versions = {"events_history_enabled", "deactivated_at", "deactivation_reason"}
    assert set(NewHook.model_fields) | READ_ONLY_FIELDS - other_versions <= described


def test_the_limits_are_those_of_the_code():
    assert f"at most {MAX_HOOKS_PER_SCOPE} hooks for one scope" in README
    assert f"At most {MAX_HEADERS} headers" in README
    assert f"{MAX_ANSWER_BYTES:,} bytes" in README
