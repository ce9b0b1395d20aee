"""Finds the rows in the body of a reply, by names and shape.

A path of records names a list. It may also name

- one object that is one row: a path that ends in ``.``, such as ``"data."``; ``"."`` is the body;
- an object whose members are rows: a path that ends in ``*``, such as ``"metrics.*"``. The key of a
  member becomes the column ``_key``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from socialframe.errors import ReplyError
from socialframe.messages.paths import get_path, plain_name
from socialframe.messages.reply_errors import is_only_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from socialframe.messages.call import Call

KEY = "_key"  # the column for the key of a row that is a member of an object

_MAX_DEPTH = 6  # of the search for lists
_SHOWN = 8  # lists that an error names

# Names without case, underscores and plural.
_ROWS = {
    "data", "item", "result", "record", "row", "value", "entry", "object", "list", "content",
    "element", "hit", "edge", "node", "doc", "document", "resource", "collection", "payload",
}  # fmt: skip
_WRAPPERS = _ROWS | {"response", "body", "embedded", "envelope", "query", "output", "return"}
_NOISE = {
    "link", "button", "error", "warning", "include", "included", "facet", "header", "columnheader",
    "dimensionheader", "metricheader", "aggregation", "agg", "bucket", "filter", "sort", "column",
    "field", "dimension", "breadcrumb", "notice", "deprecation", "debug", "trace", "suggestion",
    "detail", "fault", "failure", "message", "info", "meta", "metadata", "pagination", "paging",
    "pageinfo", "cursor", "usererror", "fielderror", "schema", "extension", "messages", "warn",
    "responsemetadata", "responsemeta", "responseheader",
}  # fmt: skip
_FAILED = re.compile(r"(failed|partialfail)\w*")
# Members of an envelope that are not fields of a row.
_ENVELOPE = re.compile(
    r"(page|pages|per|size|limit|offset|skip|start|end|total|count|num|number|next|prev|previous|"
    r"has|more|cursor|token|first|last|from|to|since|until|self|href|url|uri|path|status|success|ok|"
    r"code|msg|message|error|err|kind|object|etag|version|apiversion|request|trace|log|took|time|"
    r"timestamp|generated|duration|elapsed|cached|api|documentation|query|q|sort|order|ratelimit|"
    r"remaining|summary|overview|stat|user|account|context|filter|range|period|odata|"
    r"is|scroll|after|before|bookmark|marker|incomplete|stale|timezone|tz|locale|type|class|"
    r"cachets|responsemetadata|batchcomplete|modhash|dist|geofilter)"
    r"(page|perpage|pages|size|limit|count|number|token|cursor|url|uri|link|id|at|ms|seconds|zone|"
    r"version|results?|items?|rows?|records?|entries|elements|more|next|prev|previous|date|index|"
    r"info|stats|statistics|summary|parameters|params|type|context|of|text|key|sec)*"
)
_SIGNS = re.compile(
    r"pagination|paging|pageinfo|pages?|perpage|page(size|number|index|count|token)|total\w*|count|"
    r"(result|row|item|record)s?count|has(more|next|nextpage)|next|next(page|cursor|token|link|url)"
    r"\w*|cursors?|endcursor|numberofelements"
)
_DATA_KEY = re.compile(
    r"[0-9]+([-_:./][0-9]+)*|[0-9a-f]{8}-[0-9a-f-]{27}|\w+[-_:]?[0-9]{3,}", re.IGNORECASE
)
TABLE_HEADERS = frozenset({"columnheaders", "dimensionheaders", "metricheaders"})
_HEADERS = ("columnheaders", "headers", "header", "columns", "columnnames", "fields", "fieldnames")
_HEADER_NAMES = ("name", "id", "key", "field", "columnname", "fieldname", "label", "title")


@dataclass(frozen=True, slots=True)
class _Found:
    """A list in a body."""

    path: str
    value: list[Any]
    named: bool  # whether its name is a usual name of records, or the name of the endpoint
    clear: bool  # whether each object around it is a usual wrapper


@dataclass(slots=True)
class _Search:
    """The lists and the null members of a body that may be its records."""

    own: frozenset[str]  # names of the endpoint, in the singular
    sent: frozenset[str]  # names of the parameters
    lists: list[_Found] = field(default_factory=list)
    nulls: list[tuple[str, bool]] = field(default_factory=list)  # paths, and whether named
    others: list[str] = field(default_factory=list)  # lists of objects that an envelope has

    def look(
        self, value: dict[str, Any], path: str = "", depth: int = 0, clear: bool = True
    ) -> None:
        """Search an object and the objects in it."""
        relay = any(plain_name(name) == "pageinfo" for name in value)  # of GraphQL, at any depth
        for name, inner in value.items():
            one = _singular(name)
            if not name or "." in name:
                continue
            if self.is_noise(name) and one not in self.own:
                if isinstance(inner, list) and any(isinstance(entry, dict) for entry in inner):
                    self.others.append(f"{path}{name}")
                continue
            named = one in self.own or one in _ROWS
            if isinstance(inner, list):
                self.lists.append(_Found(f"{path}{name}", inner, named, clear or relay))
            elif inner is None:
                self.nulls.append((f"{path}{name}", named))
            elif isinstance(inner, dict) and depth < _MAX_DEPTH:
                alone = len(self.members(value)) == 1
                usual = one in self.own or one in _WRAPPERS or alone
                usual = usual and not _DATA_KEY.fullmatch(name)
                self.look(inner, f"{path}{name}.", depth + 1, clear and usual)

    def is_noise(self, name: str) -> bool:
        """Whether a member of an envelope never has the rows."""
        return _singular(name) in _NOISE or _FAILED.fullmatch(plain_name(name)) is not None

    def members(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the members that an envelope does not usually have."""
        return {
            name: inner
            for name, inner in value.items()
            if not self.is_noise(name)
            and name not in self.sent
            and not name.startswith(("@", "$"))
            and (
                _singular(name) in self.own | _ROWS or _ENVELOPE.fullmatch(plain_name(name)) is None
            )
        }

    def has_inner_row(self, value: dict[str, Any]) -> bool:
        """Whether an object in it has a usual name of records."""
        names = self.own | _ROWS
        return any(
            isinstance(inner, dict) and _singular(name) in names for name, inner in value.items()
        )

    def scalars(self, value: dict[str, Any]) -> int:
        """Return the number of those members that are neither lists nor objects."""
        return sum(not isinstance(inner, list | dict) for inner in self.members(value).values())


def other_lists(call: Call, body: object, path: str) -> list[str]:
    """Return the paths of the lists of objects that are not at ``path``.

    Lists of an envelope, such as links and errors, do not count.
    """
    if not isinstance(body, dict):
        return []
    search = _Search(_own_names(call), frozenset(name for name, _ in call.params))
    search.look(body)
    filled = (one for one in search.lists if any(isinstance(entry, dict) for entry in one.value))
    return [one.path for one in filled if one.path != path]


def find_rows(call: Call, body: object) -> str:
    """Return the path of the rows in a body.

    Raises
    ------
    ReplyError
        If names and shape do not decide; it names each list that may have the rows.
    """
    if body is None or isinstance(body, list):
        return ""
    if not isinstance(body, dict):
        raise ReplyError(
            f"The reply to GET {call.path} is a {type(body).__name__}; it has no list of records."
        )
    search = _Search(_own_names(call), frozenset(name for name, _ in call.params))
    search.look(body)
    core, whole = _core(search, body)
    paged = _has_signs(body) or _has_signs(whole)
    path = (
        _named_list(search, body)
        or _only_list(search, body, core, whole, paged=paged)
        or _without_list(search, body, core, whole, paged=paged)
    )
    if path is None:
        raise ReplyError(_unclear(call, search, body, core))
    return path


def _named_list(search: _Search, body: dict[str, Any]) -> str | None:
    named = [found for found in search.lists if found.named]
    if not named:
        return None
    if len(named) > 1:
        depth = min(found.path.count(".") for found in named)
        outer = [found for found in named if found.path.count(".") == depth]
        own = [found for found in outer if _singular(_last(found.path)) in search.own]
        others = [found for found in named if found not in outer and found.clear]
        named = own if len(own) == 1 and len(outer) == 1 else outer
        if others:
            return None
    if len(named) != 1 or not named[0].clear:
        return None
    found = named[0]
    at = body
    for name in found.path.split(".")[:-1]:
        # An object with fields of its own that contains {"data": [...]} may be a row itself.
        if search.scalars(at) and _singular(name) not in search.own | _WRAPPERS:
            return None
        at = at[name]
    return found.path


def _only_list(
    search: _Search, body: dict[str, Any], core: str, whole: dict[str, Any], *, paged: bool
) -> str | None:
    if not search.lists or any(found.named for found in search.lists):
        return None
    row = _as_row(search, core, whole, paged=paged)
    if row is not None:
        return row
    found = search.lists[0]
    if len(search.lists) > 1 or not found.clear:
        return None
    holder = get_path(body, found.path.rpartition(".")[0])
    alone = all(len(search.members(one)) <= 1 for one in (body, holder))
    # Signs around an object with fields of its own do not tell whether it is a row.
    signs = _has_signs(holder) or (_has_signs(body) and not search.scalars(holder))
    if alone or (signs and not _few(holder, found.value)):
        return found.path
    return None


def _as_row(search: _Search, core: str, whole: dict[str, Any], *, paged: bool) -> str | None:
    """Return the path of the object that is one row, although there are lists in it."""
    scalars = search.scalars(whole)
    if paged or not scalars or is_only_error(whole) or _outside(search, core):
        return None
    if search.has_inner_row(whole) or any(found.named for found in search.lists):
        return None
    has_id = any(plain_name(name) in {"id", "uuid", "pk"} for name in whole)
    has_id = has_id and scalars > 1
    named = bool(core) and _singular(_last(core)) in search.own - _ROWS
    texts = not search.others and all(
        found.value and not any(isinstance(one, dict | list) for one in found.value)
        for found in search.lists
    )
    texts = texts and bool(search.lists)
    return f"{core}." if has_id or named or texts else None


def _outside(search: _Search, core: str) -> bool:
    """Whether a list is not in the object."""
    return bool(core) and any(not found.path.startswith(f"{core}.") for found in search.lists)


def _without_list(
    search: _Search, body: dict[str, Any], core: str, whole: dict[str, Any], *, paged: bool
) -> str | None:
    if search.lists or search.others:
        headers = {plain_name(name) for name in body}
        is_table = not search.lists and headers & TABLE_HEADERS
        # A table without rows may leave them out.
        return "rows" if is_table else _as_row(search, core, whole, paged=paged)
    filled = any(value is not None for value in search.members(whole).values())
    named = [path for path, is_named in search.nulls if is_named]
    nulls = named or [path for path, _ in search.nulls if paged and "." not in path]
    if len(nulls) == 1 and not filled:
        return nulls[0]
    is_row = (
        not search.has_inner_row(whole)
        and search.scalars(whole)
        and filled
        and not paged
        and not named
    )
    return f"{core}." if is_row and not is_only_error(whole) else None


def _core(search: _Search, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return path and value of the object in the outer wrappers of a body."""
    path, at = "", body
    while len(members := search.members(at)) == 1:
        (name, inner), *_ = members.items()
        if (
            not isinstance(inner, dict)
            or not inner
            or not name
            or "." in name
            or _DATA_KEY.fullmatch(name)
        ):
            break
        if _singular(name) not in search.own | _WRAPPERS:
            break
        path, at = f"{path}.{name}" if path else name, inner
    return path, at


def _has_signs(value: dict[str, Any]) -> bool:
    """Whether an object has members about pages or counts."""
    return any(_SIGNS.fullmatch(plain_name(name)) for name in value)


def _few(holder: dict[str, Any], entries: list[Any]) -> bool:
    """Whether a count beside a list is another one, so that it counts something else."""
    counts = [
        value
        for name, value in holder.items()
        if plain_name(name) in {"count", "total"} and type(value) is int
    ]
    return any(count < len(entries) for count in counts)


def _unclear(call: Call, search: _Search, body: dict[str, Any], core: str) -> str:
    paths = [found.path for found in search.lists] or search.others
    shown = ", ".join(map(repr, paths[:_SHOWN])) + (" …" if len(paths) > _SHOWN else "")
    what = f"{'lists' if len(paths) > 1 else 'a list'} at {shown}" if paths else "no list"
    names = ", ".join(map(repr, list(body)[:20])) or "no keys"
    keyed = next(_keyed(body), None)
    more = "" if keyed is None else f", or records={keyed!r} if each member there is a row"
    return (
        f"The reply to GET {call.path} has {what}, so the path of the records is unclear; it "
        f"has {names}. Pass records=… with the dotted path of the list, or "
        f"records={f'{core}.'!r} if the object is one row{more}."
    )


def _keyed(value: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the paths of objects whose members may be rows."""
    keys = any(_DATA_KEY.fullmatch(name) for name in value)
    kind = dict | list if keys else dict
    if (keys or len(value) > 1) and all(isinstance(inner, kind) for inner in value.values()):
        yield f"{path}*"
    if path.count(".") < _MAX_DEPTH:
        for name, inner in value.items():
            if isinstance(inner, dict) and "." not in name:
                yield from _keyed(inner, f"{path}{name}.")


def take_rows(call: Call, body: Any, path: str) -> tuple[list[Any] | None, Any]:  # noqa: ANN401
    """Return the rows at a path, None if there is no such member, and the body without them.

    Raises
    ------
    ReplyError
        If the value at the path is neither rows nor null.
    """
    place = path.removesuffix("*").removesuffix(".")
    value = get_path(body, place)
    if value is None:
        return None, body
    if path.endswith("*"):
        return _members_as_rows(call, value, path), without_rows(body, path)
    if isinstance(value, list):
        rows = _table(call, body, place, value)
    elif isinstance(value, dict) and (path.endswith(".") or _is_row(value)):
        if is_only_error(value):
            return None, body
        rows = [value]
    else:
        return None, body
    return rows, without_rows(body, path)


def without_rows(body: Any, path: str) -> Any:  # noqa: ANN401 - JSON is any value
    """Return the body with an empty list in place of the rows."""
    if path == "*" and isinstance(body, dict):
        return {name: one for name, one in body.items() if not isinstance(one, dict | list)}
    place = path.removesuffix("*").removesuffix(".")
    if not place:
        return {}
    parent, _, last = place.rpartition(".")
    holder = get_path(body, parent)
    if not isinstance(holder, dict) or last not in holder:
        return body
    emptied: Any = {**holder, last: []}
    for name in reversed(list(_prefixes(parent))):
        above, _, key = name.rpartition(".")
        emptied = {**get_path(body, above), key: emptied}
    return emptied


def _prefixes(path: str) -> Iterator[str]:
    names = path.split(".") if path else []
    yield from (".".join(names[: count + 1]) for count in range(len(names)))


def _is_row(value: dict[str, Any]) -> bool:
    """Whether an object in place of a list is surely one row."""
    search = _Search(frozenset(), frozenset())
    search.look(value)
    lists = any(found.named or any(map(_is_object, found.value)) for found in search.lists)
    return bool(search.scalars(value)) and not lists and not _has_signs(value)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _members_as_rows(call: Call, value: object, path: str) -> list[Any]:
    if not isinstance(value, dict):
        if value == []:  # PHP's spelling of an empty object
            return []
        what = "list" if isinstance(value, list) else type(value).__name__
        raise ReplyError(
            f"The reply to GET {call.path} has a {what} in place of the object of {path!r}."
        )
    rows: list[Any] = []
    for key, inner in value.items():
        if not isinstance(inner, dict | list):
            if path == "*" or inner is None:  # a member of the envelope, or an entry without fields
                rows += [{KEY: key}] * (path != "*")
                continue
            raise ReplyError(
                f"The reply to GET {call.path} has a member {key!r} of {path!r} that is no object."
            )
        for record in inner if isinstance(inner, list) else [inner]:
            if not isinstance(record, dict) or record.get(KEY, key) != key:
                raise ReplyError(
                    f"The reply to GET {call.path} has at {key!r} of {path!r} an entry that is no "
                    f"object or has a field {KEY!r} itself."
                )
            rows.append({KEY: key, **record})
    return rows


def _table(call: Call, body: Any, place: str, rows: list[Any]) -> list[Any]:  # noqa: ANN401
    """Return the rows of a table as objects with the names of its columns; other rows unchanged."""
    if not any(isinstance(row, list) for row in rows):
        return rows
    holder = get_path(body, place.rpartition(".")[0]) if place else None
    lengths = {len(row) if isinstance(row, list) else -1 for row in rows}
    for members in (holder, body):
        for names in _header_lists(members if isinstance(members, dict) else {}):
            if lengths == {len(names)}:
                if len(set(names)) < len(names):
                    raise ReplyError(
                        f"The table in the reply to GET {call.path} has two columns of one name: "
                        f"{', '.join(names)}."
                    )
                return [dict(zip(names, row, strict=True)) for row in rows]
    if any(plain_name(name) in _HEADERS for name in holder or ()):
        raise ReplyError(
            f"The reply to GET {call.path} has rows at {place!r} that do not fit the names of its "
            "columns."
        )
    return rows


def _header_lists(members: dict[str, Any]) -> Iterator[list[str]]:
    plain = {plain_name(name): value for name, value in members.items()}
    for name in _HEADERS:
        if names := _names(plain.get(name)):
            yield names
    for one, other in (("dimensions", "metrics"), ("dimensionheaders", "metricheaders")):
        both = [_names(plain.get(one)), _names(plain.get(other))]
        if any(both):
            yield [name for names in both for name in names]


def _names(headers: object) -> list[str]:
    """Return the names of a list of headers; empty if it is none."""
    names: list[str] = []
    for header in headers if isinstance(headers, list) else []:
        if isinstance(header, dict):
            plain = {plain_name(name): value for name, value in header.items()}
            header = next((plain[name] for name in _HEADER_NAMES if name in plain), None)  # noqa: PLW2901
        if not isinstance(header, str):
            return []
        names.append(header)
    return names


def _own_names(call: Call) -> frozenset[str]:
    """Return the last name of a path in the singular; an id is left out."""
    segments = [part.partition(".")[0] for part in call.path.split("/") if part]
    names = [part for part in segments[-2:] if not _DATA_KEY.fullmatch(part)]
    return frozenset(_singular(name) for name in names[-1:])


def is_named_like(call: Call, path: str) -> bool:
    """Return whether a list has the name of the endpoint, such as posts of ``/v1/posts``."""
    return _singular(_last(path)) in _own_names(call)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _singular(name: str) -> str:
    plain = plain_name(name)
    if plain.endswith("ies"):
        return f"{plain[:-3]}y"
    if plain.endswith(("sses", "xes", "ches", "shes")):
        return plain[:-2]
    return plain.removesuffix("s") if not plain.endswith("ss") else plain
