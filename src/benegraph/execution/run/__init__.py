"""Execute a plan for one request: read rows, build response objects, propagate nulls."""
