"""Simulates a Library server for tests, demos and experiments. See README.md in this folder."""
