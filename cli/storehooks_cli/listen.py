"""storehooks listen: a store's deliveries on this machine, while it runs.

The local stack sends them here, see :mod:`storehooks_cli.local_hook`. A stack in AWS cannot reach this
machine: its deliveries are pulled, see :mod:`storehooks_cli.pulling`.
"""

from contextlib import suppress
from typing import Annotated

import typer

from storehooks.domain.scope import check_scope
from storehooks_cli.client_secret import library_secret
from storehooks_cli.connection import ApiOptions, connected
from storehooks_cli.local_hook import LocalStore
from storehooks_cli.options import Json, complete_hook_scope, http_url, parser, unfolded
from storehooks_cli.output import failures_said, json_text, print_line, say
from storehooks_cli.receiver import Intake, Received, Receiver
from storehooks_cli.stopping import exit_on_signals


@unfolded
def listen(
    api_options: ApiOptions,
    scope: Annotated[
        str,
        typer.Option(
            parser=parser(check_scope),
            metavar="SCOPE",
            autocompletion=complete_hook_scope,
            help="Which events, such as store/order/*.",
            show_default=True,
        ),
    ] = "store/*",
    forward: Annotated[
        str | None,
        typer.Option(
            parser=http_url,
            metavar="URL",
            help="Where each delivery is sent on to, as it is; its response is the response to storehooks.",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="Where to listen on this machine, with --local; 0 is any free port."
        ),
    ] = 0,
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="STOREHOOKS_SECRET",
            metavar="SECRET",
            help="The client's secret, to verify what is pulled; without it, signatures are not checked.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print each delivery's whole payload below its line.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print a store's deliveries as they come, with their signatures verified, until Ctrl-C.

    Each delivery is one line, with the event's data. A hook is created for this, and removed at the end. On
    the local stack it has a client of its own, which is removed too; with --url and --token it is the
    token's client. If the hook is deactivated, paused or removed meanwhile, the command says so and activates
    it again.
    """
    if not api_options.local:
        _listen_by_pulling(api_options, scope, secret, forward, verbose=verbose, as_json=as_json)
        return
    exit_on_signals()
    store = LocalStore(api_options.deployment, api_options.store_hash)
    # Being stopped is how it ends.
    with suppress(SystemExit), Receiver(port, forward) as receiver, failures_said():
        store.remove_those_left()
        with store.hook(api_options.client_id, scope, receiver) as hook:
            say(
                f"listening for {scope} of the store {api_options.store_hash} on {receiver.url}, "
                f"signed with {library_secret(hook.secret)}; Ctrl-C ends it"
            )
            for delivery in receiver.deliveries(hook.watch):
                _print(delivery, verbose=verbose, as_json=as_json)


def _listen_by_pulling(
    options: ApiOptions,
    scope: str,
    secret: str | None,
    forward: str | None,
    *,
    verbose: bool,
    as_json: bool,
) -> None:
    from storehooks_cli.pulling import Pulling

    if options.url is None:
        raise typer.BadParameter("listen needs --local, or the API of a deployed stack: --url and --token")
    with suppress(SystemExit), connected(options) as api:
        pulling = Pulling(api, scope, Intake(secret, forward))
        if secret is None:
            say("without --secret, signatures are not checked")
        with pulling.hook():
            say(f"pulling {scope} of the store {options.store_hash} from {options.url}; Ctrl-C ends it")
            for delivery in pulling.deliveries():
                _print(delivery, verbose=verbose, as_json=as_json)


def _print(delivery: Received, *, verbose: bool, as_json: bool) -> None:
    if as_json:
        typer.echo(json_text(delivery.as_json))
        return
    print_line(delivery.parts)
    if verbose:
        typer.echo(delivery.payload_text)
