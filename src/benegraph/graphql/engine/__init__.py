"""Parse, validate, limit and execute operations, and serialize their responses."""
