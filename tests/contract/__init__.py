"""Tests the simulator and the modules with the vendor's client, in every profile."""
