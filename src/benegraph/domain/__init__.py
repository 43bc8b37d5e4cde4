"""The business rules of benefits enrollment, as pure functions on values: no database, no GraphQL, no clock."""
