"""The end of the demo's message: the date, and when to start over."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from benegraph.cli.demo import DemoInfo
from benegraph.cli.startup_message import print_demo_message, print_message
from benegraph.demo import DemoIds
from benegraph.web.pages import PagesConfig

FIRST_DAY, LATER = date(2026, 11, 20), date(2026, 12, 21)
IDS = DemoIds("demo", "empr_1", "empl_1", ("enrl_1",), FIRST_DAY, matches_seed=True)
INFO = DemoInfo("http://127.0.0.1:8000/graphql", {"employee": "bgk_1"}, IDS, FIRST_DAY, None, PagesConfig())
START_OVER = [
    "To start over, stop the demo and delete its data, your changes included:",
    "rm -r '/home/me/my data'",
]
OTHER_DATE = (
    "The demo's date is 2026-12-21, but its data was generated for 2026-11-20:"
    " windows that should be open may be closed."
)
OTHER_VERSION = "Another version of benegraph generated the data: its IDs are not those of the README."


@pytest.mark.parametrize(
    ("info", "today", "expected"),
    [
        (INFO, FIRST_DAY, []),
        (INFO, LATER, ["The demo's date is still 2026-11-20, for which its data was generated.", *START_OVER]),
        (
            replace(INFO, today=LATER),
            LATER,
            [
                OTHER_DATE,
                *START_OVER,
            ],
        ),
        (replace(INFO, ids=replace(IDS, matches_seed=False)), FIRST_DAY, [OTHER_VERSION, *START_OVER]),
    ],
)
def test_the_message_says_when_to_start_over(
    capsys: pytest.CaptureFixture[str], info: DemoInfo, today: date, expected: list[str]
) -> None:
    print_demo_message(info, Path("/home/me/my data"), today)
    lines = capsys.readouterr().out.splitlines()
    (end,) = (index for index, line in enumerate(lines) if line.startswith("Ctrl-C stops the demo."))
    assert lines[end + 1 :] == expected


@pytest.mark.parametrize(
    ("has_home_page", "expected"),
    [(True, ["Open the home page in a browser at http://127.0.0.1:8000/"]), (False, [])],
)
def test_the_message_names_the_home_page_only_where_there_is_one(
    capsys: pytest.CaptureFixture[str], has_home_page: bool, expected: list[str]
) -> None:
    print_message("http://127.0.0.1:8000/graphql", None, has_home_page=has_home_page)
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["benegraph accepts GraphQL requests at http://127.0.0.1:8000/graphql", *expected]
