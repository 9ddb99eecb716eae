"""Known vulnerabilities of all that is pinned: ``python -m storehooks_cli.audit``, or ``make audit``.

pip-audit asks PyPI. What it could not ask about it passes over, and calls the rest fine; here it
counts as a failure, for then nothing is known.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer

from storehooks_cli.local.folders import PROJECT

VULNERABLE, UNKNOWN = 1, 2
_PIP_AUDIT = PROJECT / ".venv-audit" / "bin" / "pip-audit"


def main() -> int:
    statuses = []
    for path in [*sorted(PROJECT.glob("requirements/*.txt")), *PROJECT.glob("layers/*/requirements.txt")]:
        status, lines = _ask(path)
        statuses.append(status)
        for line in lines:
            typer.echo(f"{path.relative_to(PROJECT)}: {line}", err=status != 0)
    return max(statuses)


def _ask(path: Path) -> tuple[int, list[str]]:
    command: list[str | Path] = [
        _PIP_AUDIT,
        "--disable-pip",
        "--require-hashes",
        "--format=json",
        "--progress-spinner=off",
    ]
    asked = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        [*command, "--requirement", path], capture_output=True, text=True, check=False
    )
    return verdict(asked.stdout, asked.stderr)


def verdict(report: str, complaint: str) -> tuple[int, list[str]]:
    """The exit status and what to say, of what pip-audit wrote to standard output and error."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except ValueError:
        *_, last = ["it said nothing", *complaint.strip().splitlines()]
        return UNKNOWN, [f"NOT AUDITED, pip-audit could not do its work: {last}"]
    lines = [
        f"{package['name']} {package['version']} has {found['id']}, "
        f"mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for package in packages
        for found in package.get("vulns", [])
    ]
    status = VULNERABLE if lines else 0
    passed_over = [package["skip_reason"] for package in packages if "skip_reason" in package]
    if passed_over:
        lines.append(f"NOT AUDITED, {len(passed_over)} of {len(packages)} packages: {passed_over[0]}")
        status = UNKNOWN
    return status, lines or [f"{len(packages)} packages, no known vulnerability"]


if __name__ == "__main__":
    sys.exit(main())
