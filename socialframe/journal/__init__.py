"""What unfinished walks have fetched so far, on disk: the reason that they can be resumed.

::

    file.py      the file: one row a walk, one a reply
    journal.py   the journal of one walk: answers first what it holds, keeps what comes
    presence.py  which processes are still there
    rows.py      what is noted of a walk
"""

from socialframe.journal.file import LEFT, LOOPED, RUNNING, Walks
from socialframe.journal.journal import Journal
from socialframe.journal.rows import Started, Unfinished

__all__ = ["LEFT", "LOOPED", "RUNNING", "Journal", "Started", "Unfinished", "Walks"]
