"""The panel: one card in a notebook that connects accounts, loads rows, shows and exports them.

It is a face: everything that it does is a plain function of the floors below, and its code can be
copied.

::

    panel.py     Panel: what it knows, as plain attributes, and its parts
    accounts.py, load.py, look.py, export.py    the four parts, as widgets
    state.py     what is asked and what is known of accounts: plain values, no widgets
    told.py      what rows, costs and progress look like in words
    work.py      threads that end in words; what tells a walk to stop
    files.py     rows that are here already, into a file
    code.py      the code that does the same without the panel
    chart.py     frames as SVG
    door.py      the button that opens a tab, hands over a file, or copies a text
    styles.py    how it looks, and small pieces of HTML
"""

from socialframe.panel.panel import Panel

__all__ = ["Panel"]
