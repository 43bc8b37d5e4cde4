"""PostgreSQL: engine, sessions, shapes, and every statement."""
