"""Which columns every column of a model is computed from, told from its SQL alone; asked for, never part of a build."""
