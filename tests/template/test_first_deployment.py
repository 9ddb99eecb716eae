"""docs/first-deployment.md: what it says of the template, and the function by which it looks at clocks."""

import importlib.util
import re
import subprocess
import time
import zipfile
from pathlib import Path

from storehooks_cli.concurrency import Parameters
from tests.template_file import resources, template

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "first-deployment.md").read_text()


def test_the_function_that_compares_the_clocks_is_one(tmp_path):
    lines = [line for line in PAGE.splitlines() if line.startswith(("printf ", ".venv/bin/python "))]
    script = "\n".join(lines).replace(".venv/bin/python", str(ROOT / ".venv/bin/python"))
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True)
    assert zipfile.ZipFile(tmp_path / "clocks.zip").namelist() == ["clocks.py"]
    spec = importlib.util.spec_from_file_location("clocks", tmp_path / "clocks.py")
    assert spec is not None
    assert spec.loader is not None
    clocks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(clocks)
    before = time.monotonic(), time.time()
    seen = clocks.handler({}, None)
    assert (seen["monotonic"] >= before[0], seen["time"] >= before[1]) == (True, True)


def test_it_says_how_many_concurrent_executions_the_defaults_need():
    defaults = {name: str(one.get("Default")) for name, one in template()["Parameters"].items()}
    needed = Parameters.of(defaults).needed
    assert set(re.findall(r"(?:need|less than) (\d+)", PAGE)) == {str(needed)}


def test_the_resources_that_it_names_are_there():
    assert "ConsoleRole" in resources("AWS::IAM::Role")
    assert {"trial-deliver", "storehooks-deliver"} <= set(
        re.findall(r"\b(?:trial|storehooks)-deliver\b", PAGE)
    )
    assert resources("AWS::Serverless::Function")["DeliverFunction"]["RecursiveLoop"] == "Allow"
