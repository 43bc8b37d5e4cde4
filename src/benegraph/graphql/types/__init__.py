"""Object types, connections, enumerations and scalars: what clients query."""
