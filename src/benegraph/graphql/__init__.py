"""The graph: types, inputs, payloads and resolvers. Whatever mentions GraphQL."""
