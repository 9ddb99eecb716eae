"""Where the `storehooks` command begins."""

import signal


def app() -> None:
    """Run the command.

    Its parts are imported here and not above, so that Ctrl-C during the half second that
    takes ends it without a traceback.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from storehooks_cli.commands import commands

    commands()
