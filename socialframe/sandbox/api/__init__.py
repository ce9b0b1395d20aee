"""The endpoints of the sandbox's API."""
