"""Frames for Excel: no time zones, no nested values, no formulas."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import socialframe as sf


def test_a_frame_for_excel_has_only_values_that_excel_can_hold():
    """Times are UTC without a time zone; the frame that was passed is unchanged."""
    frame = sf.Client.sandbox().posts().explode("platforms").head(50)
    nested = sf.Client.sandbox().posts().head(50)
    before = nested.copy()

    made = sf.for_excel(frame)
    flat = sf.for_excel(nested)

    assert [str(made[name].dtype) for name in ("created_at", "published_at")] == [
        "datetime64[us]"
    ] * 2
    assert made["created_at"].tolist() == frame["created_at"].dt.tz_localize(None).tolist()
    assert made["target_position"].tolist() == frame["target_position"].tolist()
    assert flat["platforms"][0].startswith('[{"platform": ')
    assert flat.columns.tolist() == nested.columns.tolist()
    assert flat.attrs == nested.attrs
    assert_frame_equal(nested, before)


def test_values_that_excel_would_change_are_text():
    """Large integers, formulas, control characters; others stay."""
    frame = pd.DataFrame(
        {
            "id": pd.array([2**53 + 1, None], "Int64"),
            "n": pd.array([2**53, None], "Int64"),
            "text": ["=HYPERLINK(1)", "a\x00b\tc\n"],
            "any": [pd.Timestamp("2026-01-01T02:00+02:00"), ["x"]],
        },
        index=pd.DatetimeIndex(["2026-01-01", "2026-01-02"], tz="Europe/Berlin"),
    )

    made = sf.for_excel(frame)

    assert made["id"].tolist()[0] == "9007199254740993"
    assert made["n"].tolist() == [2**53, pd.NA]
    assert made["text"].tolist() == ["'=HYPERLINK(1)", "a\\x00b\tc\n"]
    assert made["any"].tolist() == [pd.Timestamp("2026-01-01"), '["x"]']
    assert made.index.tolist()[0] == pd.Timestamp("2025-12-31T23:00")


def test_an_empty_frame_for_excel_has_the_same_columns():
    """Without rows, and without columns."""
    empty = sf.Client.sandbox().posts(status="none").frame()

    assert sf.for_excel(empty).columns.tolist() == empty.columns.tolist()
    assert sf.for_excel(pd.DataFrame(index=[1, 2])).shape == (2, 0)
    with pytest.raises(sf.ArgumentError, match="must be a DataFrame"):
        sf.for_excel([])
