"""Measurements, each a command that prints a table: `python -m benchmarks`. What they found is in README.md."""
