"""The benchmark: the gateway beside other GraphQL servers, on one database, under the same row-level security."""
