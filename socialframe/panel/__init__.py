"""The panel: a notebook card that connects accounts, loads rows, shows and exports them.

``panel.py`` builds the card from four parts (``accounts.py``, ``load.py``, ``view.py`` and
``export.py``), which share a ``state.py`` and know neither the panel nor each other. Each part has
its widget in ``box``.
"""

from socialframe.panel.panel import Panel

__all__ = ["Panel"]
