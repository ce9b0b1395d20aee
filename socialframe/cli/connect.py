"""``socialframe connect`` and ``socialframe disconnect``."""

from __future__ import annotations

from functools import partial

import click

from socialframe.cli.output import sentences


@click.command()
@click.argument("platform")
@click.option("--paste", is_flag=True, help="Paste an address here; nothing listens.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Listen there; else anywhere."
)
@click.option("--redirect-url", help="The one address that is registered with the API.")
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait for you.")
@click.option("--choose", metavar="ID", help="The Facebook Page that is meant; else you are asked.")
def connect(
    platform: str,
    paste: bool,
    port: int,
    redirect_url: str | None,
    timeout: float,
    choose: str | None,
) -> None:
    """Connect an account: prints a link, opens it in a browser if there is one, and waits.

    Platform, id and name of the account go to standard output, everything else to standard error.

    \b
    Examples:
      socialframe connect instagram
      socialframe connect facebook --paste --choose fb_41011
    """  # noqa: D301 - \b tells click to keep the lines
    from socialframe.client import Client
    from socialframe.connect.console import default_console

    with sentences(), Client() as api:
        account = api.connect(
            platform,
            callback="paste" if paste else "auto",
            redirect_url=redirect_url,
            port=port,
            timeout=timeout,
            choose=choose,
            console=default_console(partial(click.echo, err=True), pasting=paste),
        )
        click.echo(f"{account.platform} {account.account_id} {account.username}")


@click.command()
@click.argument("platform")
@click.argument("account_id")
def disconnect(platform: str, account_id: str) -> None:
    """Remove an account's connection; its posts stay.

    \b
    Examples:
      socialframe disconnect instagram ig_9001
      socialframe accounts --platform instagram
    """  # noqa: D301 - \b tells click to keep the lines
    from socialframe.client import Client

    with sentences(), Client() as api:
        api.disconnect(platform, account_id)
        click.echo(f"Disconnected: {platform}, {account_id}.", err=True)
