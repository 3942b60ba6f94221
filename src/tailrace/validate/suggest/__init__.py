"""Proposes a suite for a table from what its rows look like; reads only, and imports no Great Expectations."""
