"""A stand-in Library server for tests, demos and trying things by hand. See README.md in this folder."""
