"""Use cases: one function for each action of a benefits clerk, from locking the rows to recording the change."""
