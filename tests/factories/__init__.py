"""Rows for tests: one function a kind of row, by room, with defaults that fit together on the test's day.

Each writes past services and their rules, in a transaction of its own, and gives the id it made. Ids sort in the order
the rows were made, and everything is made in the tenant `acme` unless another is named.
"""
