"""The words in which the OpenAPI document is written: schemas, and where each is known from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from socialframe.sandbox.api.oauth_state import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from socialframe.sandbox.json_text import Json

Origin = Literal["documented", "example", "sibling", "invented"]
"""The contract's marks D, DX and S, and whatever this sandbox made up."""


def marked(origin: Origin, section: str, fields: Json) -> Json:
    """Give fields their origin and their section; names that end in ``?`` may be absent.

    Parameters
    ----------
    origin
        Where it is known from.
    section
        Section of the contract.
    fields
        Schemas by name.

    Returns
    -------
    dict
        New schemas by the same names.

    Examples
    --------
    >>> marked("documented", "§3", {"error": {"type": "string"}})
    {'error': {'type': 'string', 'x-origin': 'documented', 'x-contract': '§3'}}
    """
    return {
        name: {**schema, "x-origin": origin, "x-contract": section}
        for name, schema in fields.items()
    }


def record(*groups: Json) -> Json:
    """Make an object of groups of marked fields.

    Parameters
    ----------
    *groups
        Of `marked`.

    Returns
    -------
    dict
        The schema. It does not say that there can be no other fields: the contract does not.

    Examples
    --------
    >>> record(marked("documented", "§3", {"error": {}, "details?": {}}))["required"]
    ['error']
    """
    fields = {name: schema for group in groups for name, schema in group.items()}
    needed = [name for name in fields if not name.endswith("?")]
    properties = {name.removesuffix("?"): schema for name, schema in fields.items()}
    return {
        "type": "object",
        **({"required": needed} if needed else {}),
        "properties": properties,
    }


def in_path(origin: Origin, section: str, schemas: Json) -> list[Json]:
    """Describe the variable parts of a path.

    Examples
    --------
    >>> [part] = in_path("example", "§5.7", {"postId": text()})
    >>> part["in"], part["x-origin"]
    ('path', 'example')
    """
    return [{**one, "in": "path", "required": True} for one in queries(origin, section, schemas)]


def queries(origin: Origin, section: str, schemas: Json) -> list[Json]:
    """Describe parameters of a query; names that end in ``!`` are required.

    Examples
    --------
    >>> [one["required"] for one in queries("sibling", "§9.6", {"id!": text(), "limit": text()})]
    [True, False]
    """
    return [
        {
            "name": name.removesuffix("!"),
            "in": "query",
            "required": name.endswith("!"),
            "schema": schema,
            "x-origin": origin,
            "x-contract": section,
        }
        for name, schema in schemas.items()
    ]


def operation(
    origin: Origin,
    section: str,
    name: str,
    summary: str,
    *parameters: Json,
    body: str | None = None,
    answers: dict[int, Json],
    refuses: Iterable[int] = (),
) -> Json:
    """Describe one operation.

    Parameters
    ----------
    origin, section
        Where it is known from, and where the contract has it.
    name, summary
        What it is called, and what it does.
    *parameters
        Of `in_path` and `queries`.
    body
        The object that it takes.
    answers
        Answers by status that are no errors.
    refuses
        Statuses of the errors that only some operations have.

    Returns
    -------
    dict
        Its part of the document, with the errors that every operation has.

    Examples
    --------
    >>> told = operation("documented", "§5.1", "listAccounts", "List accounts", answers={})
    >>> list(told["responses"])
    ['401', '429', '500']
    """
    content = {"application/json": {"schema": ref(body or "")}}
    errors = sorted({*refuses, 401, 429, 500})
    return {
        "operationId": name,
        "summary": summary,
        **({"parameters": list(parameters)} if parameters else {}),
        **({"requestBody": {"required": True, "content": content}} if body else {}),
        "responses": {
            **{str(status): answer for status, answer in answers.items()},
            **{str(status): {"$ref": f"#/components/responses/Error{status}"} for status in errors},
        },
        "x-origin": origin,
        "x-contract": section,
    }


def answer(origin: Origin, section: str, says: str, schema: Json | None = None) -> Json:
    """Describe an answer that is no error; without a schema it has no body.

    Examples
    --------
    >>> answer("sibling", "§9.4", "Deleted.")["description"]
    'Deleted.'
    """
    content = {} if schema is None else {"content": {"application/json": {"schema": schema}}}
    return {"description": says, **content, "x-origin": origin, "x-contract": section}


def ref(name: str) -> Json:
    """Point to one of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(items: Json, says: str = "") -> Json:
    """Make a list of something."""
    return _said({"type": "array", "items": items}, says)


def text(says: str = "", *examples: str) -> Json:
    """Make a text."""
    return _said({"type": "string", **({"examples": list(examples)} if examples else {})}, says)


def line(most: int, says: str = "", *examples: str) -> Json:
    """Make a text of one line, with so many characters at most."""
    return {**text(says, *examples), "minLength": 1, "maxLength": most}


def word(*words: str, says: str = "") -> Json:
    """Make one of a few words."""
    return _said({"type": "string", "enum": list(words)}, says)


def whole(says: str = "", least: int = 0, **more: int) -> Json:
    """Make a whole number; ``more`` are other keywords of its schema."""
    return _said({"type": "integer", "minimum": least, **more}, says)


def or_null(schema: Json) -> Json:
    """Allow null, too.

    Examples
    --------
    >>> or_null(text())
    {'type': ['string', 'null']}
    """
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def _said(schema: Json, says: str) -> Json:
    return {**schema, "description": says} if says else schema


FLAG: Json = {"type": "boolean"}
NUMBER: Json = {"type": "number"}
DAY: Json = {"type": "string", "format": "date"}
MOMENT: Json = {"type": "string", "format": "date-time"}
ANY_OBJECT: Json = {"type": "object"}
PLATFORM = word(*PLATFORMS)
POST_ID = text("", "post_731d815191")
ACCOUNT_ID = text("Opaque; unique on its platform.", "ig_40118")
POST_STATUS = word("draft", "scheduled", "publishing", "published", "partial", "failed")
TARGET_STATUS = word("pending", "publishing", "published", "failed")
MEDIA = word("image", "video", "gif")
CODES = {
    400: ("VALIDATION_ERROR",),
    401: ("AUTH_MISSING_KEY", "AUTH_INVALID_KEY"),
    404: ("NOT_FOUND",),
    429: ("RATE_LIMIT_EXCEEDED",),
    500: ("INTERNAL_ERROR",),
}
"""Every status of an error that is documented, with its codes (section 3)."""
