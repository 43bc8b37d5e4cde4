"""Enrollments: election windows, coverage tiers, life events, elections, and the statuses derived from them."""
