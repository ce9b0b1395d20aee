"""The HTML pages of the sandbox."""
