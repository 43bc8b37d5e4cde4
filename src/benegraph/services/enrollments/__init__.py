"""Enrollments: issue, elect, reopen, reissue and correct them; report, review and withdraw life events."""

from benegraph.services.enrollments.coverage_ends import CoverageOutcome, end_coverage
from benegraph.services.enrollments.elect import ElectionOutcome, elect, reopen_election
from benegraph.services.enrollments.extensions import WindowExtension, extend_windows
from benegraph.services.enrollments.life_events import report_life_event, review_life_event
from benegraph.services.enrollments.overrides import OverrideOutcome, override_election, review_election_override
from benegraph.services.enrollments.reissue import reissue_enrollment
from benegraph.services.enrollments.withdrawals import undo_life_event_review, withdraw_life_event, withdraw_reissue

__all__ = [
    "CoverageOutcome",
    "ElectionOutcome",
    "OverrideOutcome",
    "WindowExtension",
    "elect",
    "end_coverage",
    "extend_windows",
    "override_election",
    "reissue_enrollment",
    "reopen_election",
    "report_life_event",
    "review_election_override",
    "review_life_event",
    "undo_life_event_review",
    "withdraw_life_event",
    "withdraw_reissue",
]
