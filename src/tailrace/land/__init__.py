"""Landing: vendor pages become current tables and their change log."""
