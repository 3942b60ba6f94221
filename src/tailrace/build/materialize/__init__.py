"""How a model becomes a relation: one file for each materialization, each whole or not at all."""
