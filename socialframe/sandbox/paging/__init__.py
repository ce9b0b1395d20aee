"""The paging families of the sandbox."""
