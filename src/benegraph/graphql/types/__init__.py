"""Object types, connections, enumerations and scalars that clients query."""
