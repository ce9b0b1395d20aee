"""Keeps walks and their pages on disk: complete ones are replayed, open ones resumed."""
