"""Models: SELECT files compiled to one graph, and only what changed built again."""
