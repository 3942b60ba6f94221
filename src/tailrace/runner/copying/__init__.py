"""One target's landing and ledger, carried to another."""
