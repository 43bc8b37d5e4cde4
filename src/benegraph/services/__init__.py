"""The stories: one verb of the benefits clerk a function, from the lock to the record."""
