"""Factories that insert rows for tests, one function per table, with defaults that fit together.

Each factory writes rows directly, without the services and their rules, in a transaction of its own, and returns the
new ID. IDs sort in the order of creation. All rows belong to the tenant `acme` unless another one is given.
`office`, `coverage` and `billing` are the exception: they create data through the services.
"""
