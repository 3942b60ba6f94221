"""One vendor, one file, both halves; the file's name is the name in YAML."""
