"""Maya's election in a real browser, by mouse and by keyboard; the API confirms what the page says was stored."""

from collections.abc import Iterator
from typing import Any

import pytest
from demo_browser import MARKS, WIDTHS, launch_browser, new_page, run_demo

from gateways import Gateway

pytestmark = MARKS


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with run_demo() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launch_browser() as browser:
        yield browser


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("device", WIDTHS)
def test_both_pages_open_and_lead_to_each_other(gateway: Gateway, browser: Any, device: str, color_scheme: str) -> None:
    with new_page(browser, gateway, viewport=WIDTHS[device], color_scheme=color_scheme) as demo:
        demo.open("/demo")
        assert "Maya" in demo.page.get_by_role("heading", level=1).inner_text()
        assert demo.serious_violations() == []
        demo.page.get_by_role("link", name="open enrollment").click()
        demo.page.wait_for_url("**/demo/hr")
        demo.page.get_by_role("heading", level=1).wait_for()
        assert demo.page.get_by_role("link", name="open enrollment").get_attribute("aria-current") == "page"
        assert demo.serious_violations() == []
