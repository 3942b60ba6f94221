"""Two versions of one query: which columns and which rows they make differently, in words. Everything here costs sqlglot's import."""
