"""``@endpoint`` declares an endpoint as a typed method of a client."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol

from socialframe.errors import ArgumentError
from socialframe.messages.call import Call, Params, to_json_body
from socialframe.paging import Auto, Paging, Single
from socialframe.paging.schemes import Scheme
from socialframe.query import Query
from socialframe.schema.columns import EXTRA, Column, Schema
from socialframe.walk.plan import Endpoint, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.walk.session import Session

P = ParamSpec("P")


class HasSession(Protocol):
    """A client, which this module does not import."""

    _session: Session


def endpoint(
    path: str,
    *,
    records: str,
    columns: Sequence[Column],
    key: str | Sequence[str] = (),
    paging: Paging | None = None,
    reshape: Callable[[Any], list[Any] | None] | None = None,
    default_days: int = 0,
    clock: str = "",
) -> Callable[
    [Callable[Concatenate[Any, P], Params | list[Params]]], Callable[Concatenate[Any, P], Query]
]:
    """Declare an endpoint by a method that turns its arguments into API parameters.

    The method gets the signature and docstring of the function, with a table of the columns added,
    and returns a ``Query``. If the function returns a list of parameters, the query has the rows of
    the first ones, then those of the second ones, and so on.

    Parameters
    ----------
    path : str
        Path on the API.
    records : str
        Dotted path of the records in a reply.
    columns : sequence of Column
        Columns of a row, without ``_extra``.
    key : str, sequence of str
        Columns of the primary key.
    paging : Paging or None
        The paging scheme; None means that one reply has all records.
    reshape : callable or None
        Builds records from a body that has no list of them.
    default_days : int
        If the method has an argument ``since``: how many days ago the API starts without it. The
        provenance of the rows says so. 0 if there is no such default.
    clock : str
        The column that the argument ``since`` compares, so that a ``Dataset`` can fetch new rows
        only. Empty if there is none.

    Returns
    -------
    callable
        The decorator.

    Raises
    ------
    ArgumentError
        If a key is not a column, or two columns have the same name.

    Examples
    --------
    >>> from socialframe import Client
    >>> class MyClient(Client):
    ...     @endpoint(
    ...         "/v1/accounts",
    ...         records="accounts",
    ...         columns=(Column(name="who", path="username", type="string", meaning="Name."),),
    ...     )
    ...     def names(self, platform: str | None = None) -> Params:
    ...         "Names of the connected accounts."
    ...         return {"platform": platform}
    >>> MyClient.sandbox().names(platform="tiktok").frame().columns.tolist()
    ['who', '_extra']
    """

    def declare(
        function: Callable[Concatenate[Any, P], Params | list[Params]],
    ) -> Callable[Concatenate[Any, P], Query]:
        signature = inspect.signature(function)
        schema = Schema(_column_tuple(columns), _key_names(key))
        declared = Endpoint(
            name=function.__name__,
            path=path,
            records=records,
            paging=paging or Single(),
            schema=schema,
            reshape=reshape,
            default_days=default_days,
            clock=clock,
        )
        if clock and schema[clock].type not in {"timestamp", "date"}:  # raises for an unknown one
            raise ArgumentError(f"clock must be a timestamp or a date; {clock!r} is not.")

        @wraps(function)
        def method(client: HasSession, /, *args: P.args, **kwargs: P.kwargs) -> Query:
            params = function(client, *args, **kwargs)
            parts: list[Any] = params if isinstance(params, list) and params else [params]
            if not all(isinstance(part, Mapping) for part in parts):
                raise ArgumentError(
                    f"{function.__name__} must return a mapping of API parameters; got {params!r}."
                )
            typed = signature.bind(client, *args, **kwargs).arguments
            arguments = tuple(typed.items())[1:]
            call, *later = (Call.of(path, part) for part in parts)
            again = partial(method, client)
            plan = Plan(declared, arguments, call, schema, later=tuple(later), method=again)
            return Query(plan, client._session)

        method.__signature__ = signature.replace(return_annotation=Query)  # type: ignore[attr-defined]
        method.__annotations__ = {**function.__annotations__, "return": Query}
        method.__doc__ = _docstring(function.__doc__ or "", schema)
        method.endpoint = declared  # type: ignore[attr-defined]
        return method

    return declare


def _check_request(path: object, records: object, params: object) -> None:
    if not isinstance(path, str) or not path.startswith("/") or "?" in path:
        raise ArgumentError(
            f"path must start with '/' and have no '?', like '/v1/posts'; got {path!r}. Pass "
            "parameters as params."
        )
    if not isinstance(records, str | None):
        raise ArgumentError(f"records must be a dotted path like 'data.items'; got {records!r}.")
    named = isinstance(params, Mapping) and all(isinstance(name, str) for name in params)
    if params is not None and not named:
        raise ArgumentError(f"params must map names to values; got {params!r}.")


def _check_body(method: object, json: object) -> None:
    if method not in ("GET", "POST"):
        raise ArgumentError(f"method must be 'GET' or 'POST'; got {method!r}.")
    if json is not None and method != "POST":
        raise ArgumentError("json is the body of a POST; pass method='POST', too, or params=….")
    if not isinstance(json, Mapping | None):
        raise ArgumentError(f"json must map names to JSON values; got {json!r}.")


def _key_names(key: object) -> tuple[str, ...]:
    keys = (key,) if isinstance(key, str) else key
    if not isinstance(keys, Sequence | None) or any(
        not isinstance(name, str) for name in keys or ()
    ):
        raise ArgumentError(f"key must be a name or a sequence of names; got {key!r}.")
    return tuple(keys or ())


def _column_tuple(columns: object) -> tuple[Column, ...]:
    if isinstance(columns, Sequence) and all(isinstance(one, Column) for one in columns):
        return tuple(columns)
    raise ArgumentError(
        "columns must map names to types, like {'createdAt': 'timestamp'}, or be a sequence of "
        f"Column; got {columns!r}."
    )


def _docstring(text: str, schema: Schema) -> str:
    table = "\n".join(f"    {line}".rstrip() for line in repr(schema).splitlines())
    return f"{inspect.cleandoc(text)}\n\nColumns\n-------\n::\n\n{table}\n"


def undeclared(
    client: HasSession,
    path: str,
    *,
    records: str | None,
    params: Params | None,
    paging: Paging | None,
    columns: Mapping[str, str] | Sequence[Column] | None,
    key: str | Sequence[str] | None,
    method: str,
    json: Mapping[str, object] | None,
) -> Query:
    """Return a query of an endpoint that is not declared; see ``Client.fetch``."""
    _check_request(path, records, params)
    _check_body(method, json)
    if paging is not None and not isinstance(paging, Scheme):
        raise ArgumentError(f"paging must be a scheme of socialframe.paging; got {paging!r}.")
    keys = _key_names(key)
    if columns is None or isinstance(columns, Mapping):
        given = tuple((columns or {}).items())
        for name, kind in given:
            Column(name=name, path=name, type=kind, meaning="")  # refuses an unknown type
            if name == EXTRA:
                raise ArgumentError(
                    f"columns must not contain {EXTRA!r}, the column for unknown fields."
                )
        schema = Schema((), keys, given=given)
    else:
        schema = Schema(_column_tuple(columns), keys)
    declared = Endpoint(
        name="fetch", path=path, records=records, paging=paging or Auto(), schema=schema
    )
    typed = {
        "params": params,
        "records": records,
        "paging": paging,
        "columns": columns,
        "key": key,
        "method": None if method == "GET" else method,
        "json": json,
    }
    arguments = (("path", path), *((k, v) for k, v in typed.items() if v is not None))
    call = Call.of(path, params or {})
    if method == "POST":
        body = b"" if json is None else to_json_body(json)
        call = replace(call, method=method, body=body, reads=True)
    plan = Plan(declared, arguments, call, schema)
    return Query(plan, client._session)
