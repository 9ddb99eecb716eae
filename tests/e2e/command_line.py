"""The `storehooks` command, as a test calls it on the running stack."""

import subprocess


def storehooks(stack, *arguments, check=True, **options):
    """Run a command against the local stack, in a narrow terminal."""
    return subprocess.run(
        [stack.command, *arguments, "--local", "--data-dir", stack.data_dir],
        env=stack.environment | {"COLUMNS": "60"},
        capture_output=True,
        check=check,
        text=True,
        **options,
    )


def words(text: str) -> str:
    """What is told in a box that breaks lines, on one line."""
    return " ".join(text.replace("│", " ").split())
