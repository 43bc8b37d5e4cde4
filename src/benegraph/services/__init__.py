"""Use cases: each function locks rows, checks the rules, writes, and records the change."""
