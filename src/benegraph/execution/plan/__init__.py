"""The intermediate representation: declarations of fields, compiled plans, and the rows that plans read."""
