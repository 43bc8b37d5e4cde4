"""The business rules of benefits enrollment, as pure functions on values: no database, no GraphQL.

They never read the clock: today's date is an argument.
"""
