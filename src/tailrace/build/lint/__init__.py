"""Rules that models are read by: each says what goes wrong, where, and what to write instead. Imported only by who lints."""
