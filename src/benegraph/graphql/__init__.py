"""The GraphQL schema: types, mutations, and the engine that executes operations."""
