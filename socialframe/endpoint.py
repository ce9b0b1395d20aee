"""``@endpoint``: a declaration that is also a typed method."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from socialframe.errors import ArgumentError
from socialframe.messages.call import Call, Params
from socialframe.paging import Auto, Paging, Single
from socialframe.paging.schemes import Scheme
from socialframe.query import Query
from socialframe.schema.columns import EXTRA, Column, Schema
from socialframe.walk.plan import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.walk.session import Source

P = ParamSpec("P")


def endpoint(
    path: str,
    *,
    records: str,
    columns: Sequence[Column],
    key: str | Sequence[str] = (),
    paging: Paging | None = None,
    reshape: Callable[[Any], list[Any] | None] | None = None,
) -> Callable[[Callable[Concatenate[Any, P], Params]], Callable[Concatenate[Any, P], Query]]:
    """Declare an endpoint by a method that turns its arguments into the API's parameters.

    The method's signature and docstring are the declaration; calling it gives a ``Query``. The
    table of its columns is added to the docstring.

    Parameters
    ----------
    path : str
        Path on the API.
    records : str
        Where the records stand in a reply, dotted.
    columns : sequence of Column
        What a row is made of, ``_extra`` unsaid.
    key : str, sequence of str
        Columns that together tell two rows apart.
    paging : Paging or None
        Which call comes next; None means that everything comes in one reply.
    reshape : callable or None
        Makes records of a body that has no list of them.

    Returns
    -------
    callable
        The decorator.

    Raises
    ------
    ArgumentError
        If a key is no column, or two columns have one name.

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
        function: Callable[Concatenate[Any, P], Params],
    ) -> Callable[Concatenate[Any, P], Query]:
        signature = inspect.signature(function)
        schema = Schema(_declared(columns), _names(key))
        declared = Endpoint(
            name=function.__name__,
            path=path,
            records=records,
            paging=paging or Single(),
            schema=schema,
            reshape=reshape,
        )

        @wraps(function)
        def method(client: Source, /, *args: P.args, **kwargs: P.kwargs) -> Query:
            params = function(client, *args, **kwargs)
            if not isinstance(params, Mapping):
                raise ArgumentError(
                    f"{function.__name__} returns the API's parameters as a mapping, "
                    f"not {params!r}."
                )
            typed = signature.bind(client, *args, **kwargs).arguments
            arguments = tuple(typed.items())[1:]
            return Query(declared, arguments, Call.of(path, params), client, schema)

        method.__signature__ = signature.replace(return_annotation=Query)  # type: ignore[attr-defined]
        method.__annotations__ = {**function.__annotations__, "return": Query}
        method.__doc__ = _documented(function.__doc__ or "", schema)
        method.endpoint = declared  # type: ignore[attr-defined]
        return method

    return declare


def _asked(path: object, records: object, params: object) -> None:
    if not isinstance(path, str) or not path.startswith("/") or "?" in path:
        raise ArgumentError(
            "A path begins with '/', as '/v1/posts', and has no '?' (parameters go into params); "
            f"{path!r} is none."
        )
    if not isinstance(records, str | None):
        raise ArgumentError(f"records takes a dotted path, as 'data.items', not {records!r}.")
    named = isinstance(params, Mapping) and all(isinstance(name, str) for name in params)
    if params is not None and not named:
        raise ArgumentError(f"params takes a mapping of names to values, not {params!r}.")


def _names(key: object) -> tuple[str, ...]:
    keys = (key,) if isinstance(key, str) else key
    if not isinstance(keys, Sequence | None) or any(
        not isinstance(name, str) for name in keys or ()
    ):
        raise ArgumentError(f"key takes a name or some of them, not {key!r}.")
    return tuple(keys or ())


def _declared(columns: object) -> tuple[Column, ...]:
    if isinstance(columns, Sequence) and all(isinstance(one, Column) for one in columns):
        return tuple(columns)
    raise ArgumentError(
        "columns takes a mapping of names to types, as {'createdAt': 'timestamp'}, or a sequence "
        f"of Column, not {columns!r}."
    )


def _documented(text: str, schema: Schema) -> str:
    table = "\n".join(f"    {line}".rstrip() for line in repr(schema).splitlines())
    return f"{inspect.cleandoc(text)}\n\nColumns\n-------\n::\n\n{table}\n"


def undeclared(
    client: Source,
    path: str,
    *,
    records: str | None,
    params: Params | None,
    paging: Paging | None,
    columns: Mapping[str, str] | Sequence[Column] | None,
    key: str | Sequence[str] | None,
) -> Query:
    """Return a query of an endpoint that nobody declared; see ``Client.fetch``."""
    _asked(path, records, params)
    if paging is not None and not isinstance(paging, Scheme):
        raise ArgumentError(f"paging takes a scheme of socialframe.paging, not {paging!r}.")
    keys = _names(key)
    if columns is None or isinstance(columns, Mapping):
        given = tuple((columns or {}).items())
        for name, kind in given:
            Column(name=name, path=name, type=kind, meaning="")  # refuses a type that is none
            if name == EXTRA:
                raise ArgumentError(f"{EXTRA} is the column of what no other column holds.")
        schema = Schema((), keys, given=given)
    else:
        schema = Schema(_declared(columns), keys)
    declared = Endpoint(
        name="fetch", path=path, records=records, paging=paging or Auto(), schema=schema
    )
    typed = {"params": params, "records": records, "paging": paging, "columns": columns, "key": key}
    arguments = (("path", path), *((k, v) for k, v in typed.items() if v is not None))
    return Query(declared, arguments, Call.of(path, params or {}), client, schema)
