"""Layout of Jinja SQL: line breaks, indentation and the case of keywords, and nothing else. Imported only by who formats."""
