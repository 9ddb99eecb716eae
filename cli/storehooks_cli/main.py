"""Where the `storehooks` command begins."""

import signal
import sys
from pathlib import Path


def app() -> None:
    """Run the command.

    Its parts are imported here and not above, so that Ctrl-C during the half second that
    takes ends it without a traceback.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from storehooks_cli.commands import commands
    from storehooks_cli.defaults import DefaultsError, load_defaults
    from storehooks_cli.output import say

    try:
        load_defaults(Path.cwd(), Path.home())
    except DefaultsError as error:
        say(str(error))
        sys.exit(2)
    commands()
