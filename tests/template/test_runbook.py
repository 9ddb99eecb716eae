"""docs/runbook.md: a section for each alarm, and commands that exist."""

import json
import re
import subprocess
from pathlib import Path

import botocore.session
import jmespath
import pytest
import typer
from botocore import xform_name

from storehooks_cli.commands import commands
from tests.template_file import resources

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "runbook.md").read_text()
PAGES = "\n".join(path.read_text() for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))])
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
ALARMS = resources("AWS::CloudWatch::Alarm")
BLOCKS = "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGES, re.DOTALL | re.MULTILINE))
AWS_COMMANDS = re.findall(r"\baws ([a-z][a-z-]+) ([a-z][a-z-]+)(.*?)(?=\baws [a-z]|$)", BLOCKS, re.MULTILINE)
STOREHOOKS_COMMANDS = re.findall(r"\.venv/bin/storehooks ([^|\n]*)", BLOCKS)
# What the AWS CLI adds to an operation's own parameters, and its one command here that is no operation.
ALWAYS = {"query", "output", "zip-file"}
LOGS_TAIL = {"since", "filter-pattern"}


def anchor(heading: str) -> str:
    """The fragment by which a page names a heading (GitHub's rule)."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_alarm_has_its_section_and_every_such_section_its_alarm():
    assert {heading for heading in SECTIONS if heading.endswith("Alarm")} == set(ALARMS)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_a_section_says_what_the_alarm_means_how_to_look_and_how_to_mend(name):
    assert "**Meaning.**" in SECTIONS[name]
    assert re.search(r"\*\*Look(\.\*\*|\*\* and \*\*mend\*\*)", SECTIONS[name])
    assert re.search(r"\*\*(M|m)end(\.\*\*|\*\*)", SECTIONS[name])


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_names_its_section(name):
    assert ALARMS[name]["AlarmDescription"]["Fn::Sub"].endswith(f" See docs/runbook.md#{anchor(name)}")


@pytest.mark.parametrize("rule", ["OperationsRule", "HeldRule"])
def test_what_is_told_of_a_hook_names_its_section(rule):
    (target,) = resources("AWS::Events::Rule")[rule]["Targets"]
    (named,) = re.findall(r"runbook\.md#([\w-]+)", target["InputTransformer"]["InputTemplate"]["Fn::Sub"])
    assert named in map(anchor, SECTIONS)


def test_links_within_the_page_lead_somewhere():
    links = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert links
    assert links <= set(map(anchor, SECTIONS))


def test_links_between_the_pages_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]:
        for target, fragment in re.findall(r"\]\((?!https?:)([^)#]*\.md|(?=#))#?([^)]*)\)", page.read_text()):
            text = (page.parent / target if target else page).read_text()
            headings = {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
            assert not fragment or fragment in headings, (page, target, fragment)


def test_the_functions_that_are_named_exist():
    named = set(re.findall(r"storehooks-([a-z]+_[a-z_]+|deliver)\b", PAGE))
    assert named
    assert named <= {path.parent.name for path in ROOT.glob("functions/*/app.py")}


def test_parts_of_the_dashboard_that_are_named_exist():
    body = resources("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"][0]
    texts = re.findall(r"dashboard's\s+(.*?)[:.,]", PAGE, re.DOTALL)
    named = [" ".join(quoted.split()) for text in texts for quoted in re.findall('"(.*?)"', text, re.DOTALL)]
    assert len(named) >= 3
    assert all(f'"title": "{title}' in body for title in named)


def test_every_refusal_that_ses_documents_is_in_the_section_on_emails():
    model = botocore.session.get_session().get_service_model("sesv2")
    refusals = {shape.name for shape in model.operation_model("SendEmail").error_shapes}
    assert {"MessageRejected", "AccountSuspendedException"} <= refusals
    of_every_service = {"AccessDeniedException"}
    named = set(re.findall(r"`(\w+)`", SECTIONS["EmailsDeadLettersAlarm"]))
    assert refusals | of_every_service <= named


@pytest.mark.parametrize(
    ("service", "command", "rest"), AWS_COMMANDS, ids=[" ".join(one[:2]) for one in AWS_COMMANDS]
)
def test_a_command_of_the_aws_cli_exists_with_its_options(service, command, rest):
    options = set(re.findall(r"(?<=\s)--([a-z][a-z-]*)", re.sub(r"'[^']*'", "''", rest))) - ALWAYS
    if (service, command) == ("logs", "tail"):
        assert options <= LOGS_TAIL
        return
    session = botocore.session.get_session()
    model = session.get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if command == "wait":
        (waiter,) = re.findall(r"^ ([a-z-]+)", rest)
        waiters = session.get_waiter_model(service)
        command = xform_name(
            next(
                waiters.get_waiter(name).operation
                for name in waiters.waiter_names
                if xform_name(name, "-") == waiter
            ),
            "-",
        )
    members = model.operation_model(operations[command]).input_shape.members
    # What is true or false is an option without a value, or the same after "no-".
    switches = {name for name, shape in members.items() if shape.type_name == "boolean"}
    known = {xform_name(name, "-") for name in members}
    assert options <= known | {f"no-{xform_name(name, '-')}" for name in switches}


def test_the_commands_of_the_aws_cli_are_found():
    assert len(AWS_COMMANDS) >= 12


@pytest.mark.parametrize("expression", re.findall(r"""--query ["'](.+?)["'] --output""", PAGE))
def test_a_query_is_one(expression):
    jmespath.compile(expression)


def test_the_port_that_is_forwarded_to_the_local_aws_is_the_one_of_env_json(tmp_path):
    (line,) = re.findall(r"^PORT=.*$", BLOCKS, re.MULTILINE)
    variables = {"AWS_ENDPOINT_URL": "http://host.docker.internal:40123"}
    (tmp_path / "env.json").write_text(json.dumps({"Parameters": variables}))
    script = line.replace(".venv/bin/python", str(ROOT / ".venv/bin/python")) + "\necho $PORT"
    shown = subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stdout == "40123\n"


@pytest.mark.parametrize("line", sorted(set(STOREHOOKS_COMMANDS)))
def test_a_command_of_storehooks_exists_with_its_options(line):
    command = typer.main.get_command(commands)
    for word in line.split():
        found = getattr(command, "commands", {}).get(word)
        if found is None:
            break
        command = found
    assert not getattr(command, "commands", None), f"no such command: {line}"
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"(?<=\s)(--[a-z][a-z-]*)", re.sub(r"'[^']*'", "''", line))) <= known
