"""Columns, schemas and the tables of the declared endpoints."""
