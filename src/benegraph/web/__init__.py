"""The HTTP interface of the gateway: authentication, rate limits, GraphQL requests and their responses."""
