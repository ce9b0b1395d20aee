"""Made-up walks of each scheme, as reply bodies in ``tests/samples`` (see its README).

The server returns a page only for the request in the index, and 400 for any other.
"""

import json
import warnings
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from recordings import same
from stand_ins import Scripted, client_of

import socialframe as sf
from socialframe import paging
from socialframe.messages.paths import get_path
from socialframe.paging.schemes import Scheme

FOLDER = Path(__file__).parents[1] / "samples"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
ENDS_BY_SENTENCE = (sf.WalkWarning, sf.IncompleteWalk)  # a PagingLoop is an IncompleteWalk

walks = pytest.mark.parametrize("name", list(INDEX))


def pairs(query):
    """Return the decoded parameters of a query, sorted."""
    return sorted(parse_qsl(query, keep_blank_values=True))


def served(one):
    """Return an application that returns each page for its own request, and 400 for others."""

    def answer(environ):
        asked = pairs(environ["QUERY_STRING"])
        for page in one["pages"]:
            if environ["PATH_INFO"] == one["path"] and asked in map(pairs, page["asked"]):
                return 200, (FOLDER / page["file"]).read_bytes(), page.get("headers", {})
        return 400, {"error": "no page for this request"}

    return Scripted(answer)


def fetched(one, app, scheme, **more):
    """Return the walk as a query."""
    return client_of(app, tier=sf.Limit(10_000)).fetch(
        one["path"],
        params={**one["params"], **more},
        records=one["records"],
        paging=scheme,
        key=one["key"],
    )


def declared(one):
    """Return the scheme as the index declares it."""
    return getattr(paging, one["scheme"])(**one["declared"])


def raw(one):
    """Return each record of a walk, as Python parses its JSON."""
    rows = []
    for page in one["pages"]:
        body = json.loads((FOLDER / page["file"]).read_bytes())
        rows += get_path(body, one["records"]) or []
    return rows


def as_json(records):
    """Return records as JSON texts: 1, 1.0 and true differ."""
    return [json.dumps(record) for record in records]


def unique_records(one):
    """Return the records of a walk by their keys."""
    rows = {}
    for record in raw(one):
        rows.setdefault(get_path(record, one["key"]), record)
    return rows


def unquoted(typed):
    """Return the value of a JSON text, or of each entry of a list of such texts."""
    if isinstance(typed, list):
        return [unquoted(entry) for entry in typed]
    return typed if typed is None else json.loads(typed)


def assert_rows_equal_records(table, one):
    """Each row has each value of its record; an odd value of a column is in _extra.

    The columns in the index have values as JSON text.
    """
    records = list(unique_records(one).values())
    members = {member for record in records for member in record}
    odd = set()
    assert {*table.column_names} - {"_extra"} == members
    for row, record in zip(table.to_pylist(), records, strict=True):
        extra = json.loads(row.pop("_extra", None) or "{}")
        odd |= {pointer.removeprefix("/") for pointer in extra}
        for member, typed in row.items():
            value = unquoted(typed) if member in one.get("json", ()) else typed
            value = extra.get(f"/{member}", value)
            assert same(value, record.get(member)), member
    assert odd == {*one.get("odd", ())}


@walks
def test_a_declared_scheme_returns_each_row_exactly(name):
    """Rows are those of the index, values those of the JSON, and each request is expected."""
    one = INDEX[name]
    assert list(unique_records(one)) == one["ids"]
    app, typed_app = served(one), served(one)

    records = list(fetched(one, app, declared(one)).records())
    table = fetched(one, typed_app, declared(one)).arrow()

    assert as_json(records) == as_json(raw(one))
    assert_rows_equal_records(table, one)
    facts = json.loads(table.schema.metadata[b"socialframe"])
    assert facts["complete"] is True
    assert facts["duplicates"] == len(records) - len(one["ids"])
    needed = [pairs(page["asked"][0]) for page in one["pages"]]
    for asked in (app.seen, typed_app.seen):
        assert [pairs(call["query"]) for call in asked] == needed


@walks
def test_a_detected_scheme_returns_each_row_or_names_the_scheme_to_pass(name):
    """The index says which; rows are never lost silently."""
    one = INDEX[name]
    found, ended = [], []

    for rows_of in (sf.Query.arrow, lambda query: list(query.records())):
        with warnings.catch_warnings():
            warnings.simplefilter("error", sf.WalkWarning)
            try:
                found.append(rows_of(fetched(one, served(one), paging.Auto())))
            except ENDS_BY_SENTENCE as error:
                ended.append(str(error))

    if one["auto"] == "exact":
        assert ended == []
        table, records = found
        assert as_json(records) == as_json(raw(one))
        assert_rows_equal_records(table, one)
    else:
        assert one["auto"] == "sentence"
        assert [one["names"] in sentence for sentence in ended] == [True, True], ended


@walks
def test_the_server_of_the_samples_rejects_other_requests(name):
    """An additional parameter or another path is a 400."""
    one = INDEX[name]
    for wrong in (
        fetched(one, served(one), declared(one), stray="1"),
        fetched({**one, "path": "/v1/stray"}, served(one), declared(one)),
    ):
        with pytest.raises(sf.APIError) as caught:
            wrong.frame()
        assert caught.value.status_code == 400


def test_every_scheme_has_samples():
    """Each scheme to declare, in a folder of its name."""
    exported = [getattr(paging, name) for name in paging.__all__]
    schemes = {
        one.__name__
        for one in exported
        if issubclass(one, Scheme) and one is not paging.Auto  # detects a scheme
    }

    assert {one["scheme"] for one in INDEX.values()} == schemes
    for name, one in INDEX.items():
        assert name.partition("/")[0].replace("_", "") == one["scheme"].lower()


def test_every_file_is_used():
    """Once, under the name of its walk and the number of its page."""
    used = [page["file"] for one in INDEX.values() for page in one["pages"]]
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}

    assert sorted([*used, "README.md", "index.json"]) == sorted(there)
    for name, one in INDEX.items():
        assert [page["file"] for page in one["pages"]] == [
            f"{name}-{number}.json" for number in range(1, len(one["pages"]) + 1)
        ]
