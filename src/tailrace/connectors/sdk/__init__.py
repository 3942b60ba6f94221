"""What every connector is built of: the interfaces, HTTP with its retries, auth, paging, the registry."""
