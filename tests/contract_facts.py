"""The facts of the contract that are documented, and where an OpenAPI document has them.

A row of ``contract_table.json`` is: section, method, path, place, field, mark (``D`` documented,
``DX`` by an example only). The contract itself lies in ``../shared`` beside the checkout or in the
folder that ``SOCIALFRAME_SHARED`` names, if it is there.
"""

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

SHARED = Path(os.environ.get("SOCIALFRAME_SHARED") or Path(__file__).parents[2] / "shared")
CONTRACT = SHARED / "api" / "contract.md"
THERE = CONTRACT.is_file()

ORIGINS = {"D": "documented", "DX": "example"}


class Fact(NamedTuple):
    """One documented fact."""

    section: str
    method: str
    path: str
    place: str
    field: str
    mark: str


FACTS = [
    Fact(*row)
    for row in json.loads((Path(__file__).parent / "contract_table.json").read_text("utf-8"))
]


def resolved(document, schema):
    """Follow a reference."""
    while "$ref" in schema:
        found = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def fields(document, schema, path):
    """Find the fields of this path in a schema; several where it is one of several objects."""
    name, _, rest = path.partition(".")
    schema = resolved(document, schema)
    for one in (schema, *(resolved(document, each) for each in schema.get("anyOf", ()))):
        found = one.get("properties", {}).get(name.removesuffix("[]"))
        if found is None:
            continue
        if not rest:
            yield found
        elif name.endswith("[]"):
            yield from fields(document, resolved(document, found)["items"], rest)
        else:
            yield from fields(document, found, rest)


def spots(document, fact):
    """Find everything in a document that a fact is about."""
    errors = document["components"]["responses"]
    kind, _, rest = fact.place.partition(" ")
    if fact.place == "security":
        return list(document["components"]["securitySchemes"].values())
    if fact.place == "error header":
        return [errors["Error429"]["headers"][fact.field]]
    if kind == "error" and rest:
        return [errors[f"Error{rest}"]]
    if kind == "error":
        content = [one["content"]["application/json"] for one in errors.values()]
        return [spot for one in content for spot in fields(document, one["schema"], fact.field)]
    operation = document["paths"][fact.path][fact.method.lower()]
    return list(_of_operation(document, operation, fact.place, fact))


def _of_operation(document, operation, place, fact):
    if place == "operation":
        yield operation
    elif place in {"path", "query"}:
        for one in operation["parameters"]:
            if (one["in"], one["name"]) == (place, fact.field):
                yield one
    elif place == "body":
        content = operation["requestBody"]["content"]["application/json"]
        yield from fields(document, content["schema"], fact.field)
    else:
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                content = answer["content"]["application/json"]
                yield from fields(document, content["schema"], fact.field)


def with_origin(value):
    """Yield every part of a document that says where it is known from."""
    if isinstance(value, dict):
        if "x-origin" in value:
            yield value
        for inner in value.values():
            yield from with_origin(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from with_origin(inner)


def sections(text):
    """Cut the contract into its sections, by number."""
    parts = re.split(r"^(?:#+ |\*\*)(\d+(?:\.\d+)?)\.? ", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def marks(text):
    """Read the marks of a text, in their order."""
    return re.findall(r"\[(DX|D|N|S)\b", text)


def told(section, text):
    """Read the tables of fields in a section: triples of section, field and mark.

    The mark is in a column of its own; or in the row, where other marks are of details; or it is
    the last one before the table.
    """
    before, header = "", None
    for line in text.splitlines():
        if not line.startswith("|"):
            before, header = before + line, None
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if header is None:
            header = cells
        elif header[0] in {"field", "body field", "parameter"} and set(cells[0]) != {"-"}:
            own = marks(cells[-1])
            if header[-1] != "mark":
                own = [mark for mark in own if mark in ORIGINS] or marks(before)[-1:]
            for name in re.findall("`([^`]+)`", cells[0]):
                yield section, name, own[0]


def endpoints(text):
    """Read the overview of the endpoints: triples of section, method and path."""
    row = re.compile(r"^\| (5\.\d+) \| `([A-Z]+) ([^`]+)`", re.MULTILINE)
    return {match.groups() for match in row.finditer(text)}
