"""The public API is frozen: names, parameters, defaults, commands and options.

`public_api.json` holds what users may rely on. A change of it is a change for users: make it on
purpose, say it in CHANGELOG.md, and write the file anew with `python tests/test_public_api.py`.
"""

import inspect
import json
import re
from importlib import import_module
from pathlib import Path

import click

import socialframe as sf
from socialframe.cli.main import main

SNAPSHOT = Path(__file__).with_name("public_api.json")
MODULES = ("paging", "endpoint", "progress", "sandbox")
#: Public names of modules that have no ``__all__``.
NAMES = {
    "socialframe.endpoint": ["endpoint"],
    "socialframe.progress": ["Progress", "Shown", "Watch"],
}
#: Constructors that users do not call.
PRIVATE = {"Query"}


def parameters(value):
    """Return parameters as text, without annotations; None where a value takes none."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    plain = [one.replace(annotation=one.empty) for one in signature.parameters.values()]
    text = str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))
    return re.sub(r"<(built-in )?function \w+( at 0x\w+)?>", "<function>", text)


def members(cls):
    """Return the public members of a class of ours: parameters by name."""
    base = {*dir(BaseException), *dir(tuple), *dir(object)}
    names = [name for name in dir(cls) if not name.startswith("_") and name not in base]
    return {name: parameters(inspect.getattr_static(cls, name)) for name in names}


def described(value):
    """Return what is public of a function, class or constant."""
    if inspect.isclass(value):
        takes = {} if value.__name__ in PRIVATE else {"takes": parameters(value)}
        return {"members": members(value)} | takes
    return parameters(value) if callable(value) else type(value).__name__


def commands(command):
    """Return options and arguments of each command, subcommands under their names."""
    found = {
        "params": sorted(
            "/".join([*one.opts, *one.secondary_opts]) for one in command.params if one.opts
        )
    }
    if isinstance(command, click.Group):
        context = click.Context(command)
        found |= {
            name: commands(command.get_command(context, name))
            for name in command.list_commands(context)
        }
    return found


def public():
    """Return the public API as JSON values."""
    api = {"socialframe": {name: described(getattr(sf, name)) for name in sf.__all__}}
    for name in MODULES:
        module = import_module(f"socialframe.{name}")
        names = NAMES.get(module.__name__) or module.__all__
        api[module.__name__] = {one: described(getattr(module, one)) for one in sorted(names)}
    with sf.Client.sandbox() as client:
        shown = {"Client": client, "Query": client.posts()}
        api["tab"] = {
            name: [one for one in dir(value) if one[0] != "_"] for name, value in shown.items()
        }
    return api | {"commands": commands(main)}


def differences(old, new, path=""):
    """Yield where two values differ, as paths."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            yield from differences(old.get(name), new.get(name), f"{path}/{name}")
    elif old != new:
        yield f"{path}: {old!r} → {new!r}"


def test_public_api_is_unchanged():
    """Names, parameters, defaults, commands and options equal the snapshot."""
    frozen = json.loads(SNAPSHOT.read_text(encoding="utf-8"))

    assert list(differences(frozen, json.loads(json.dumps(public())))) == []


if __name__ == "__main__":
    text = json.dumps(public(), indent=1, sort_keys=True, ensure_ascii=False)
    SNAPSHOT.write_text(text + "\n", encoding="utf-8")
