"""Enrollments: elect, reopen, reissue, report and review life events, and issue what is to be answered."""

from benegraph.services.enrollments.elect import Preview, elect, reopen
from benegraph.services.enrollments.life_events import report_life_event, review_life_event
from benegraph.services.enrollments.reissue import reissue

__all__ = ["Preview", "elect", "reissue", "reopen", "report_life_event", "review_life_event"]
