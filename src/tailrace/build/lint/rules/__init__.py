"""One rule, one file: `null_comparison.py` is the rule null-comparison. Its docstring is its reason, `check` finds the places."""
