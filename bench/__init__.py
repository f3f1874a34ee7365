"""Benchmarks beside peers. `python -m bench` runs them; docs/performance.md is what they found."""
