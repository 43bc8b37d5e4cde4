"""The benchmark: this gateway beside its peers, on one database, under the same row-level security."""
