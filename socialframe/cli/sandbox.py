"""``socialframe sandbox``: its options are the switches of the sandbox.

The sandbox is imported when the command runs, so that the help of other commands is fast.
"""

from __future__ import annotations

import threading
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from socialframe.cli.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from socialframe.sandbox import Sandbox


class _SandboxCommand(click.Command):
    """A command with an option for each switch of the sandbox."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        from socialframe.sandbox.switches import Switches

        own = super().get_params(ctx)  # --help is the last of them
        return [*own[:-1], *map(_option, fields(Switches)), *own[-1:]]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from socialframe.sandbox import PAGINGS

        table = "\n".join(f"  {name:<11} {', '.join(signs)}" for name, signs in PAGINGS.items())
        self.epilog = (
            f"\b\n--paging      --end-sign\n{table}\n\n\b\n"
            "Both take one word for all lists, or LIST=WORD for each list: --paging posts=cursor.\n"
        )
        super().format_epilog(ctx, formatter)


def _option(switch: Any) -> click.Option:  # noqa: ANN401 - a dataclass field
    flag = switch.name.replace("_", "-")
    text, default = switch.metadata["help"], switch.default
    if switch.name in {"paging", "end_sign"}:
        return click.Option([f"--{flag}"], multiple=True, metavar="[LIST=]WORD", help=text)
    if isinstance(default, bool):
        return click.Option([f"--{flag}/--no-{flag}"], default=default, help=text)
    choices = switch.metadata["choices"]
    if choices:
        type_: Any = click.Choice([str(choice) for choice in choices])
    else:
        type_ = float if isinstance(default, float) else int if switch.name == "page_cap" else str
    shown = default not in {None, 0.0}
    return click.Option([f"--{flag}"], type=type_, default=default, show_default=shown, help=text)


@click.command(cls=_SandboxCommand)
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="0 picks a free port.")
@click.option(
    "--tier", default="paid", type=click.Choice(["free", "paid"]), help="Tier of the sandbox's key."
)
@click.option("--posts", type=int, help="Number of generated posts; default: the built-in ones.")
@click.option("--scenario", help="Named switches and faults (flaky-evening): docs/scenarios.md.")
@click.option("--fault", multiple=True, help="Inject a fault, such as status:503@3; repeatable.")
@click.option("--log", metavar="FILE", help="Append each request to this file, as a JSON line.")
@click.option("--seed", default=0, help="Seed of everything random.")
@click.pass_context
def sandbox(context: click.Context, /, port: int, **options: object) -> None:
    """Serve the API in a box on 127.0.0.1 until Ctrl-C: made-up people, real rules.

    \b
    Examples:
      socialframe sandbox
      socialframe sandbox --tier free --paging cursor --scenario flaky-evening
    """
    # Defaults are left out: they must not override the scenario.
    default = click.core.ParameterSource.DEFAULT
    given = {n: v for n, v in options.items() if context.get_parameter_source(n) is not default}
    box = build_sandbox(given)
    _serve(box, port)


def build_sandbox(options: dict[str, Any]) -> Sandbox:
    from socialframe.sandbox import Sandbox, parse_fault

    scenario, faults = options.pop("scenario", None), options.pop("fault", ())
    arguments: dict[str, Any] = {"faults": tuple(map(parse_fault, faults))} if faults else {}
    for name, value in options.items():
        if name in {"paging", "end_sign"}:
            if value:
                arguments[name] = _word_or_words_by_list(name, value)
        elif isinstance(value, str) and value.isdecimal():
            arguments[name] = int(value)
        else:
            arguments[name] = value
    return Sandbox.scenario(scenario, **arguments) if scenario else Sandbox(**arguments)


def _word_or_words_by_list(name: str, words: tuple[str, ...]) -> str | dict[str, str]:
    by_list = dict(word.split("=", 1) for word in words if "=" in word)
    if not by_list and len(words) == 1:
        return words[0]
    if len(by_list) != len(words):
        flag = name.replace("_", "-")
        raise click.UsageError(
            f"--{flag} must be one word, or LIST=WORD for each list; got {', '.join(words)}."
        )
    return by_list


def _serve(box: Sandbox, port: int) -> None:
    from socialframe.sandbox.pages.status import STATUS_PAGE

    try:
        with box.serve(port=port) as url:
            click.echo(f"export SOCIALAPI_BASE_URL={url}\nexport SOCIALAPI_KEY={box.key}")
            click.echo(
                f"Made-up data. Watch requests at {url}{STATUS_PAGE}; Ctrl-C stops.", err=True
            )
            threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("The sandbox stopped.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except OSError as error:
        click.echo(f"Error: Port {port} cannot be used: {error.strerror or error}.", err=True)
        raise click.exceptions.Exit(5) from None
