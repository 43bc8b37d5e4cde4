"""Enrollments: windows, tiers, life events, elections, and what their stored facts mean on a day."""
