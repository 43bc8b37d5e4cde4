"""The gateway over HTTP: who asks, what they ask, and the answer with its status."""
