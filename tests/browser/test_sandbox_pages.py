"""The HTML pages of the sandbox, checked with axe-core in a real browser."""

from urllib.parse import urlsplit

import httpx
import pytest
from browsing import faults
from playwright.sync_api import expect

from socialframe.sandbox import Sandbox

pytestmark = pytest.mark.browser


@pytest.fixture(params=["light", "dark on a phone"])
def looked_at(page, request):
    if request.param != "light":
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 360, "height": 640})
    return page


@pytest.fixture(scope="module")
def sandbox():
    sandbox = Sandbox(end_sign="short")
    with sandbox.serve() as url:
        yield url, {"Authorization": f"Bearer {sandbox.key}"}


def consent_url(sandbox, platform, redirect):
    """Start to connect an account; return the URL of the consent page."""
    url, key = sandbox
    params = {"redirect_url": redirect}
    answer = httpx.get(f"{url}/v1/connect/{platform}", params=params, headers=key)
    return answer.raise_for_status().json()["authUrl"]


def test_status_page_has_no_serious_fault(sandbox, looked_at):
    """With requests and a switch to show."""
    (url, key), page = sandbox, looked_at
    httpx.get(f"{url}/v1/posts", headers=key).raise_for_status()
    page.goto(f"{url}/_sandbox/")

    assert faults(page) == []


def test_consent_pages_have_no_serious_fault(sandbox, looked_at):
    """Before and after the decision, when it is over, and for an invalid URL."""
    (url, _), page = sandbox, looked_at
    address = consent_url(sandbox, "instagram", f"{url}/_sandbox/callback")
    page.goto(address)
    assert faults(page) == []

    page.get_by_role("radio").last.check()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Back from")).to_be_visible()
    assert faults(page) == []

    page.goto(address)
    expect(page.get_by_role("heading", name="over")).to_be_visible()
    assert faults(page) == []

    page.goto(f"{url}{urlsplit(address).path.replace('consent', 'callback')}")
    expect(page.get_by_role("heading", name="did not work")).to_be_visible()
    assert faults(page) == []


def test_keyboard_alone_can_deny(sandbox, page):
    """Tab to the button and press Enter."""
    url, _ = sandbox
    page.goto(consent_url(sandbox, "facebook", f"{url}/_sandbox/callback"))
    button = page.get_by_role("button", name="Deny")
    for _ in range(10):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")

    expect(page.get_by_text("access_denied")).to_be_visible()
