"""Models in one engine's SQL for the other engine: what is carried over keeps its meaning, the rest is refused at its place."""
