"""Order, gates and run records; this room alone opens and closes warehouses, connectors and stores."""
