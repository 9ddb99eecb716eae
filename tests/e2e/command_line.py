"""The `storehooks` command, as a test calls it on the running stack."""

import subprocess

END_SECONDS = 120


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


class RunningCommand:
    """A command on the local stack, which runs until it ends by itself, by a signal or with the context.

    :param is_local: false for one that reaches the stack by what its arguments name.
    """

    def __init__(self, stack, *arguments, is_local=True):
        local = ["--local", "--data-dir", stack.data_dir] if is_local else []
        self._process = subprocess.Popen(
            [stack.command, *arguments, *local],
            env=stack.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._process.kill()
        self._process.communicate()

    def said(self):
        """The next line on standard error; empty at its end."""
        return self._process.stderr.readline()

    def line(self):
        """The next line of its results."""
        return self._process.stdout.readline()

    def wait_for(self, said):
        """Wait until it says this line."""
        while (line := self.said()) != f"storehooks: {said}\n":
            assert line

    def signal(self, number):
        self._process.send_signal(number)

    def end(self, number):
        """Send a signal; the status it ends with, and what else it says until then."""
        self.signal(number)
        _, said = self._process.communicate(timeout=END_SECONDS)
        return self._process.returncode, said
