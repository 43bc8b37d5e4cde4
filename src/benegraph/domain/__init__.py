"""Pure rules on values: whatever runs without a database."""
