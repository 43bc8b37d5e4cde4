"""GraphQL: types, mutations and the engine that executes operations. Every module that mentions GraphQL is here."""
