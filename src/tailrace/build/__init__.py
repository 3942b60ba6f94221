"""Models: SELECT files compiled to one graph, and built where something changed."""
