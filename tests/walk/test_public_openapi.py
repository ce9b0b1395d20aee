"""Answers made from the OpenAPI documents that Jupyter's packages carry, through ``fetch``."""

from importlib.resources import files

import pytest
import yaml
from stand_ins import Scripted, client_of

import socialframe as sf
from socialframe.messages.paths import get_path

DOCUMENTS = {
    "jupyter_server": ("services", "api", "api.yaml"),
    "jupyter_server_terminals": ("rest-api.yml",),
    "jupyterlab_server": ("rest-api.yml",),
}
#: Paths of the rows in bodies that are objects around a list.
ROWS = {"/lab/api/settings/": "settings", "/lab/api/workspaces/": "workspaces.values"}

BRACES = str.maketrans("", "", "{}")


def example(schema, document):
    """Return a value that a schema describes; lists have two different entries."""
    if "$ref" in schema:
        inner = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            inner = inner[name]
        return example(inner, document)
    for word in ("allOf", "oneOf", "anyOf"):
        if word in schema:
            return example(schema[word][0], document)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        entry = example(schema.get("items", {}), document)
        return [entry, {**entry, "id": "second"} if isinstance(entry, dict) else entry]
    if schema.get("type") == "object" or "properties" in schema:
        members = schema.get("properties", {})
        return {name: example(inner, document) for name, inner in members.items()}
    return {"integer": 7, "number": 1.5, "boolean": True}.get(schema.get("type"), "a text")


def answers():
    """Yield the path and an example of each documented JSON answer to a GET."""
    for package, parts in DOCUMENTS.items():
        document = yaml.safe_load(files(package).joinpath(*parts).read_text("utf-8"))
        for path, item in document["paths"].items():
            reply = item.get("get", {}).get("responses", {})
            reply = reply.get(200, reply.get("200", {}))
            content = reply.get("content", {}).get("application/json", {})
            schema = reply.get("schema") or content.get("schema")
            if schema:
                yield path, example(schema, document)


@pytest.mark.filterwarnings("ignore::socialframe.errors.WalkWarning")
def test_each_answer_gives_its_rows_or_an_error_that_says_what_to_pass():
    """Never other rows."""
    lists = objects = refused = 0
    for path, body in answers():
        api = client_of(Scripted(body))
        try:
            found = list(api.fetch(path.translate(BRACES)).limit(99).records())
        except sf.ReplyError as error:
            found = str(error)
        if isinstance(found, str):
            refused += 1
            assert "records=" in found or not isinstance(body, list | dict)
            continue
        whole = isinstance(body, list) or path in ROWS
        rows = get_path(body, ROWS.get(path, "")) if whole else [body]
        lists, objects = lists + whole, objects + (not whole)
        assert found == rows, path

    assert min(lists, objects, refused) >= 5
