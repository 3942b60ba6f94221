"""What PERFORMANCE.md quotes: each figure against its reference in the same run. `python -m benchmarks [NAME...]`."""
