"""What the cache knows of walks, as plain values: what was asked, and what is kept of it."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

_SKEW = 60.0  # seconds by which clocks differ
_AGES = 10  # hex digits of a generation that say when it began


@dataclass(frozen=True, slots=True)
class Asked:
    """What a walk asks for: all that decides which calls it makes and where it ends.

    Parameters
    ----------
    endpoint, path : str
        Name and path of the endpoint.
    params : tuple of (str, str)
        The parameters of its first call, in order.
    how : str
        How pages follow each other and where the records stand.
    most : int or None
        Records at most.
    arguments : str
        As they were typed, for people; tells no two walks apart.

    Examples
    --------
    >>> asked = Asked("posts", "/v1/posts", (("page", "1"),), "PageNumber")
    >>> asked.name("one tenant") == asked.name("another")
    False
    """

    endpoint: str
    path: str
    params: tuple[tuple[str, str], ...]
    how: str
    most: int | None = None
    arguments: str = ""

    def name(self, tenant: str) -> str:
        """Return the key of the walk's manifest."""
        told = [tenant, self.endpoint, self.path, self.params, self.how, self.most]
        return hashlib.blake2b(json.dumps(told).encode(), digest_size=12).hexdigest()

    def without_limit(self) -> Asked:
        """Return the same without a limit."""
        return replace(self, most=None)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The record of a walk that ended whole: the only thing a later walk may replay.

    Parameters
    ----------
    asked : Asked
        What it asked for.
    tenant : str
        Whose it is.
    generation : str
        What its entries in the cache are named by.
    entries : tuple of str
        Their keys, the generation left out.
    first, last : float
        When its first and its last page came, in seconds of Unix time.
    size : int
        Bytes of its bodies.

    Examples
    --------
    >>> asked = Asked("posts", "/v1/posts", (), "PageNumber")
    >>> manifest = Manifest(asked, "t", "g", ("a", "b"), 0.0, 1.0, 2)
    >>> Manifest.read(manifest.written()) == manifest
    True
    """

    asked: Asked
    tenant: str
    generation: str
    entries: tuple[str, ...]
    first: float
    last: float
    size: int

    def keys(self) -> list[str]:
        """Return the keys of its entries."""
        return [self.generation + entry for entry in self.entries]

    def fresh(self, now: float, lasts: float) -> bool:
        """Whether its first page is younger than so many seconds.

        One from further in the future than clocks differ is not: the clock was set back, and
        nobody knows how old it is.
        """
        return -_SKEW < now - self.first < lasts

    def written(self) -> bytes:
        """Return it as JSON."""
        asked = self.asked
        return json.dumps(
            {
                "asked": [
                    asked.endpoint,
                    asked.path,
                    asked.params,
                    asked.how,
                    asked.most,
                    asked.arguments,
                ],
                "tenant": self.tenant,
                "generation": self.generation,
                "entries": "".join(self.entries),
                "count": len(self.entries),
                "first": self.first,
                "last": self.last,
                "size": self.size,
                "complete": True,
            }
        ).encode()

    @classmethod
    def read(cls, text: bytes) -> Manifest | None:
        """Return it from its JSON; None if it is none."""
        try:
            found: dict[str, Any] = json.loads(text)
            endpoint, path, params, how, most, arguments = found["asked"]
            pairs = tuple((name, value) for name, value in params)
            asked = Asked(endpoint, path, pairs, how, most, arguments)
            joined, count = found["entries"], found["count"]
            wide = len(joined) // count if count else 0
            entries = tuple(joined[place * wide : (place + 1) * wide] for place in range(count))
            return cls(
                asked,
                found["tenant"],
                found["generation"],
                entries,
                float(found["first"]),
                float(found["last"]),
                int(found["size"]),
            )
        except (ValueError, KeyError, TypeError):
            return None


def generation(now: float) -> str:
    """Return the name of a new generation: when it began, and chance.

    Examples
    --------
    >>> began(generation(1000.0))
    1000
    """
    return f"{max(0, int(now)):0{_AGES}x}{secrets.token_hex(11)}"


def began(name: str) -> int:
    """Return when a generation, or an entry of it, began, in seconds of Unix time."""
    return int(name[:_AGES], 16)


@dataclass(slots=True)
class Passage:
    """How one walk goes through the cache.

    Parameters
    ----------
    asked : Asked
        What is asked for.
    generation : str
        What its entries are named by.
    replay : bool
        Whether every page comes from the cache; else every page comes from the network.
    before : Manifest or None
        What is kept of an earlier walk.
    most : int
        Bytes of bodies that are worth to be kept.
    entries : list of str
        What was stored so far.
    storable : bool
        Whether every answer so far was stored. Where one was not, the others are of no use.
    torn : bool
        Whether an entry that should be there is gone.

    Examples
    --------
    >>> Passage(Asked("posts", "/v1/posts", (), "PageNumber"), "g").replay
    False
    """

    asked: Asked
    generation: str
    replay: bool = False
    before: Manifest | None = None
    most: int = 1 << 30
    entries: list[str] = field(default_factory=list)
    storable: bool = True
    torn: bool = False
    first: float = 0.0
    last: float = 0.0
    size: int = 0

    def stored(self, entry: str, size: int, now: float) -> None:
        """Note an answer that is in the cache now."""
        self.first = self.first if self.entries else now
        self.last = now
        self.size += size
        self.entries.append(entry)
