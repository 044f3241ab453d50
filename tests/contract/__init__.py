"""Tests the simulator and the modules with independent clients, in every profile."""
