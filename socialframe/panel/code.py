"""The code that does the same without the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socialframe.panel.request import Wish

READS = {
    "parquet": "sf.read_parquet({path!r})",
    "csv": "pd.read_csv({path!r})",
    "jsonl": "pd.read_json({path!r}, lines=True)",
}


def code(
    wish: Wish, *, made_up: bool, targets: bool = False, kind: str = "", path: str = ""
) -> str:
    """Return Python that loads the same rows, and writes the same file.

    Parameters
    ----------
    wish : Wish
        What is loaded.
    made_up : bool
        Whether from a sandbox.
    targets : bool
        One row a target, where there are targets.
    kind, path : str
        The file; nothing writes none.

    Examples
    --------
    >>> from socialframe.panel.request import Wish
    >>> print(code(Wish(rows=200), made_up=True, kind="parquet", path="posts.parquet"))
    import socialframe as sf
    <BLANKLINE>
    api = sf.Client.sandbox()  # made-up people
    query = api.posts().limit(200)
    path = query.to_parquet('posts.parquet')
    df = sf.read_parquet(path)
    """
    explode = '.explode("platforms")' if targets else ""
    client = "sf.Client.sandbox()  # made-up people" if made_up else "sf.Client()"
    lines = ["import socialframe as sf", "", f"api = {client}", f"query = {wish.line}{explode}"]
    if kind == "parquet":
        lines += [f"path = query.to_parquet({path!r})", "df = sf.read_parquet(path)"]
    else:
        lines.append("df = query.frame()")
    if kind in {"csv", "jsonl"}:
        lines.append(f"path = query.to_{kind}({path!r})  # asks for the rows once more")
    return "\n".join(lines)


def reads(kind: str, path: str) -> str:
    """Return the line that reads a file.

    Examples
    --------
    >>> reads("csv", "posts.csv")
    "pd.read_csv('posts.csv')"
    """
    return READS[kind].format(path=path)
