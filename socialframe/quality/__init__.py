"""Reports drift: unknown fields and values of the wrong type."""
