"""Resolves everything, writes nothing: check, plan and dry runs share it with the runner."""
