"""How the Makefile makes its virtual environments."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]

MACHINES_OWN = """#!/bin/sh
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && printf '#!/bin/sh\\n' > "$3/bin/python" && chmod +x "$3/bin/python" ;;
esac
"""


def test_an_environment_is_made_by_the_machines_python_while_the_other_one_is_made_anew(tmp_path):
    for folder, script in [(".venv/bin", "#!/bin/sh\nexit 1\n"), ("machine", MACHINES_OWN)]:
        python = tmp_path / folder / "python3.13"
        python.parent.mkdir(parents=True)
        python.write_text(script)
        python.chmod(0o755)
    path = f"{tmp_path}/.venv/bin:{tmp_path}/machine:{os.defpath}"
    subprocess.run(
        ["sh", ROOT / "cli/install", ".venv-aws", "aws.txt"],
        cwd=tmp_path, env={"PATH": path, "PYTHON": "python3.13"}, check=True, timeout=10,
    )  # fmt: skip
    assert (tmp_path / ".venv-aws/.installed").exists()
