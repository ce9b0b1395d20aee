"""Datasets: Delta tables that a refresh keeps current, with the history of their rows."""

from __future__ import annotations

from socialframe.dataset.dataset import Dataset, open_dataset
from socialframe.dataset.refresh import Refresh

__all__ = ["Dataset", "Refresh", "open_dataset"]
