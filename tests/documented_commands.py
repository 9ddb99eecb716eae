"""The blocks of commands in the README and in docs/, and what runs those that are not run in their order."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The first two make the token and the hooks that the others use.
_FIRST = [ROOT / "README.md", ROOT / "docs" / "api.md"]
PAGES = [*_FIRST, *sorted({ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")} - {*_FIRST})]
BLOCKS = [
    block
    for page in PAGES
    for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
]

# Each way for a line to begin, and what runs it, or why nothing here does. A block that has such a line is
# not run with the others (tests/e2e/test_readme.py).
AWS_CLI = (
    "tests/template/test_runbook.py holds it against the AWS CLI's operations; it changes an account's stack"
)
OF_A_STACK = "tests/template/test_runbook.py holds it against the command; it is for a stack in an account"
ELSEWHERE = {
    r"make run\b": "tests/e2e/conftest.py starts it for all these tests",
    r"make test\b": ".ci/run",
    r"make audit\b": "asks PyPI, as no build is to; tests/unit/test_audit.py has what it makes of answers",
    r"make checkov\b": "installs a hundred packages for it alone",
    r"make invoke\b": "tests/e2e/test_local_invoke.py",
    r"git checkout [0-9a-f]{40}$": "tests/template/test_releases.py holds it against the history",
    r"git apply ": "tests/template/test_adding_an_operation.py",
    r"make deploy\b": "tests/e2e/test_deploy.py, with stand-ins for what asks an account",
    r"sam build$": "tests/e2e/test_deploy.py, by make deploy",
    r"\.venv/bin/storehooks sam-env\b": "tests/e2e/test_sam_local_invoke.py",
    r"sam local invoke\b": "needs Docker; tests/e2e/test_sam_local_invoke.py has what SAM makes of it",
    r"export AWS_SHARED_CREDENTIALS_FILE=": "tests/e2e/test_sam_local_invoke.py",
    r"socat ": "needs Docker's bridge",
    r"(\.venv/bin/)?storehooks listen\b": "tests/e2e/test_operating_commands.py, for it has no end",
    r"(HOOK=\$\()?curl .*\$URL": (
        "tests/e2e/test_operations.py, with a hook's URL; tests/template/test_first_deployment.py, with a"
        " stand-in for curl"
    ),
    r"(TOKEN|RECEIVER)=[a-z]": "tests/template/test_first_deployment.py",
    r"(printf|\.venv/bin/python -m zipfile|cat|rm) ": "tests/template/test_first_deployment.py",
    r"PORT=": "tests/template/test_runbook.py",
    r"(\w+=\$\()?aws ": AWS_CLI,
    r"(for|while) .*": "its parts stand below it",
    r".*--stack-name ": OF_A_STACK,
}
# What is between them in their blocks.
BETWEEN = (r"done$", r"sleep \d+$")


def is_run(block: str) -> bool:
    """Whether it is run with the others."""
    return not any(re.match(begin, line.strip()) for line in block.splitlines() for begin in ELSEWHERE)
