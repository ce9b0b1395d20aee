"""``socialframe connect`` and ``socialframe disconnect``."""

from __future__ import annotations

from functools import partial

import click

from socialframe.cli.echo import echo


@click.command()
@click.argument("platform")
@click.option("--paste", is_flag=True, help="Paste the callback URL here instead of listening.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of the callback; default: any."
)
@click.option("--redirect-url", help="The redirect URL registered with the API.")
@click.option(
    "--timeout", default=300.0, show_default=True, help="Seconds to wait for the callback."
)
@click.option("--choose", metavar="ID", help="Facebook Page to connect; default: ask.")
def connect(
    platform: str,
    paste: bool,
    port: int,
    redirect_url: str | None,
    timeout: float,
    choose: str | None,
) -> None:
    """Connect an account: print a link, open it in a browser, and wait for the callback.

    Prints platform, id and name of the account.

    \b
    Examples:
      socialframe connect instagram
      socialframe connect facebook --paste --choose fb_41011
    """
    from socialframe.client import Client
    from socialframe.connect.console import default_console

    with Client() as api:
        account = api.connect(
            platform,
            callback="paste" if paste else "auto",
            redirect_url=redirect_url,
            port=port,
            timeout=timeout,
            choose=choose,
            console=default_console(partial(echo, err=True), pasting=paste),
        )
        echo(f"{account.platform} {account.account_id} {account.username}")


@click.command()
@click.argument("platform")
@click.argument("account_id")
def disconnect(platform: str, account_id: str) -> None:
    """Disconnect an account. Its posts stay.

    \b
    Examples:
      socialframe disconnect instagram ig_9001
      socialframe accounts --platform instagram
    """
    from socialframe.client import Client

    with Client() as api:
        api.disconnect(platform, account_id)
        click.echo(f"Disconnected: {platform}, {account_id}.", err=True)
