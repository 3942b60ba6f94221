"""Return rows of a model to a vendor: changeset against the ledger, gates, delivery, settling."""
