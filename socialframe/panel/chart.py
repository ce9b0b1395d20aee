"""Charts as SVG in the colours of the page. They need the extra ``[plot]``."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure

CHARTS = ("Posts per week", "Engagement by platform", "Best weekday and hour")

_NEEDS_PLOT = 'Charts need matplotlib: pip install "socialframe[plot]", then restart the kernel.'

# Placeholders for the colours of the page; matplotlib writes them unchanged.
_INK, _LINE, _BAR, _PALE = "#010203", "#040506", "#070809", "#0a0b0c"
_PAGE_COLOURS = {
    _INK: "var(--jp-ui-font-color1, currentColor)",
    _LINE: "var(--jp-border-color2, #c8c8c8)",
    _BAR: "var(--sf-accent, #3b6fd4)",
    _PALE: "var(--sf-accent-pale, #dfe8f8)",
}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "socialframe",
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _LINE,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
}


def draw_chart(frame: pd.DataFrame, chart: str) -> str:
    """Return one of ``CHARTS`` as an ``<svg>`` with an accessible name.

    Raises ArgumentError if the rows lack its columns, or matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise ArgumentError(_NEEDS_PLOT) from None
    draw = _DRAW.get(chart)
    if draw is None:
        raise ArgumentError(f"chart must be one of {', '.join(CHARTS)}; got {chart!r}.")
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.6, 2.9), layout="constrained")
        label = draw(frame, figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _embed(file.getvalue(), label)


def _embed(text: str, label: str) -> str:
    """Drop the document head and insert the colours and font of the page."""
    _, _, inner = text.partition("<svg ")
    opening, _, rest = inner.partition(">")
    box = opening.partition('viewBox="')[2].partition('"')[0]
    # A style element in an inline SVG would apply to the whole page.
    rest = re.sub(r"<(metadata|style)\b.*?</\1>", "", rest, flags=re.DOTALL)
    for placeholder, colour in _PAGE_COLOURS.items():
        rest = rest.replace(placeholder, colour)
    rest = rest.replace("'DejaVu Sans', 'Bitstream Vera Sans'", "inherit").replace(
        "sans-serif", "var(--jp-ui-font-family, sans-serif)"
    )
    name = html.escape(label)
    return f'<svg role="img" aria-label="{name}" viewBox="{box}" class="sf-chart">{rest}'


def _weeks(frame: pd.DataFrame, figure: Figure) -> str:
    import pandas as pd
    from matplotlib import dates as date_axes

    untyped: Any = date_axes
    dates = _dates(frame)
    counts = dates.dt.tz_localize(None).dt.to_period("W").value_counts()
    every_week = pd.period_range(counts.index.min(), counts.index.max(), freq="W")
    weeks = counts.reindex(every_week, fill_value=0)
    axes = _axes(figure, "Posts per week")
    axes.bar(weeks.index.start_time, weeks, width=5.6, align="edge", color=_BAR)
    axes.grid(axis="y")
    locator = untyped.AutoDateLocator(maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator))
    axes.yaxis.get_major_locator().set_params(integer=True)
    most = weeks.idxmax()
    return (
        f"Posts per week: {len(dates):,} posts in {len(weeks):,} weeks, "
        f"{weeks.max():,} in the week of {most.start_time:%d %B %Y}"
    )


def _platforms(frame: pd.DataFrame, figure: Figure) -> str:
    if "engagement_rate" not in frame.columns or "platforms" not in frame.columns:
        raise ArgumentError("This chart needs engagement rates: load analytics.")
    import pandas as pd

    targets = pd.DataFrame([target for row in frame["platforms"].dropna() for target in row])
    if targets.empty or targets["engagement_rate"].dropna().empty:
        raise ArgumentError("None of these rows has an engagement rate yet.")
    rates = targets.groupby("platform")["engagement_rate"].median().dropna().sort_values()
    axes = _axes(figure, "Median engagement rate, in percent")
    bars = axes.barh(list(rates.index), rates, height=0.62, color=_BAR)
    axes.bar_label(bars, fmt="%.1f", padding=4)
    axes.margins(x=0.08)
    axes.xaxis.set_visible(False)
    axes.spines[["bottom"]].set_visible(False)
    listed = ", ".join(f"{name} {rate:.1f} %" for name, rate in rates[::-1].items())
    return f"Median engagement rate by platform: {listed}"


def _hours(frame: pd.DataFrame, figure: Figure) -> str:
    dates = _dates(frame)
    has_rates = "engagement_rate" in frame.columns
    key = [dates.dt.day_of_week, dates.dt.hour]
    if has_rates:
        rates = frame.loc[dates.index, "engagement_rate"].dropna()
        if rates.empty:
            raise ArgumentError("None of these rows has an engagement rate yet.")
        grid = rates.groupby([part.loc[rates.index] for part in key]).median()
    else:
        grid = dates.groupby(key).size()
    measure = "Median engagement rate" if has_rates else "Posts"
    values = [[float(grid.get((day, hour), 0.0)) for hour in range(24)] for day in range(7)]
    axes = _axes(figure, f"{measure} by weekday and hour (UTC)")
    _grid(axes, values)
    axes.set_yticks(range(7), _DAYS)
    axes.set_xticks(range(0, 24, 3), [f"{hour:02}" for hour in range(0, 24, 3)])
    axes.spines[["left", "bottom"]].set_visible(False)
    day, hour = grid.idxmax()
    return f"{measure} by weekday and hour, UTC: highest on {_DAYS[day]} at {hour:02}:00"


def _grid(axes: Any, values: list[list[float]]) -> None:  # noqa: ANN401 - matplotlib's axes
    """Draw squares: pale for zero, more opaque for higher values."""
    from matplotlib.patches import Rectangle

    highest = max(map(max, values)) or 1.0
    for day, hours in enumerate(values):
        for hour, value in enumerate(hours):
            corner = (hour - 0.45, day - 0.45)
            axes.add_patch(Rectangle(corner, 0.9, 0.9, color=_PALE, lw=0))
            if value:
                strength = 0.15 + 0.85 * value / highest
                axes.add_patch(Rectangle(corner, 0.9, 0.9, color=_BAR, alpha=strength, lw=0))
    axes.set_xlim(-0.6, 23.6)
    axes.set_ylim(6.6, -0.6)


def _axes(figure: Figure, title: str) -> Any:  # noqa: ANN401 - matplotlib's axes
    axes = figure.subplots()
    axes.set_title(title)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return axes


def _dates(frame: pd.DataFrame) -> pd.Series[Any]:
    """Return the date of publication, or else of creation, of each post that has one."""
    names = [name for name in ("published_at", "created_at") if name in frame.columns]
    for name in names:
        found: pd.Series[Any] = frame[name].dropna()
        if len(found):
            return found
    raise ArgumentError(
        "None of these rows has a date." if names else "This chart needs posts or analytics."
    )


_DRAW: dict[str, Callable[[pd.DataFrame, Figure], str]] = dict(
    zip(CHARTS, (_weeks, _platforms, _hours), strict=True)
)
