"""Calls and replies as plain values."""
