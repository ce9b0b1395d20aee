"""The ``Link`` header, as RFC 8288 has it."""

from __future__ import annotations

import re

# A target in angle brackets, then parameters up to the comma that begins the next link. Quoted
# values may hold commas and semicolons. Nothing is tried twice: a header is read in linear time.
_LINK = re.compile(
    r"""<([^<>]*+)>"""
    r"""((?:\s*+;\s*+[^\s=;,"]++(?:\s*+=\s*+(?:"(?:[^"\\]|\\.)*+"|[^\s;,"]*+))?)*+)"""
)
_PARAMETER = re.compile(
    r""";\s*+([^\s=;,"]++)(?:\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s;,"]*+)))?"""
)


def link_target(header: str, rel: str) -> str | None:
    """Return the target of the first link with a relation, None where there is none.

    Examples
    --------
    >>> link_target('<https://api.example/?page=2>; rel="next", </>; rel=first', "next")
    'https://api.example/?page=2'
    """
    for target, parameters in _LINK.findall(header):
        for name, quoted, plain in _PARAMETER.findall(parameters):
            if name.lower() == "rel" and rel in (quoted or plain).lower().split():
                return str(target)
    return None
