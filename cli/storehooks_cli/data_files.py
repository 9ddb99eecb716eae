"""Files of the repository that the command reads, also where it is installed without the repository.

``data/`` has links to them; a wheel has the files themselves.
"""

from pathlib import Path

from storehooks_cli.output import fail

_DATA = Path(__file__).resolve().parent / "data"

TEMPLATE = (_DATA / "template.yaml").resolve()
HOOKS_SCHEMA = (_DATA / "hooks.schema.json").resolve()
"""What editors check a file of hooks with."""
NEWEST_BOTOCORE = (_DATA / "botocore-newest.txt").resolve()
"""The pins of the newest botocore that the tests run with."""


def need_repository(command: str, instead: str) -> None:
    """End the command with a message where it is installed without the repository.

    :param instead: what to type in a clone of the repository.
    """
    if TEMPLATE.is_relative_to(_DATA):
        fail(f"{command} needs the repository, where this storehooks is not; in a clone of it: {instead}")
