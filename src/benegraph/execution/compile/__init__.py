"""Compile a validated operation and the host's declarations into a plan."""
