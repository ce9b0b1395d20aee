"""The made-up data that the sandbox serves."""
