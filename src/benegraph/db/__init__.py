"""PostgreSQL: engine, sessions, table definitions, and every statement."""
