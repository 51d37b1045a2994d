"""The page in a real browser: Debian's chromium, headless, driven by Playwright.

Where there is no chromium the tests skip, unless DEDUP_CHROMIUM=required is set, as CI does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples" / "articles"
REQUIRED = os.environ.get("DEDUP_CHROMIUM") == "required"
CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    *("--no-sandbox", "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic"),
]
HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">'\"&amp; {{ 7 * 7 }} "
LONG = "市水务局昨日通报，城西水厂的扩建工程已经全部完工，日供水能力提高到十五万立方米，可以满足未来十年的需要。"

pytestmark = pytest.mark.skipif(not (CHROMIUM or REQUIRED), reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Any]:
    """Chromium with an empty profile."""
    assert CHROMIUM, "DEDUP_CHROMIUM=required, but there is no chromium"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


def clean(*words: object) -> None:
    """`dedup clean` with these words."""
    subprocess.run([sys.executable, "-m", "dedup", "clean", *map(str, words)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Path:
    """The page of the examples."""
    out = tmp_path_factory.mktemp("example") / "out"
    clean(EXAMPLES, "-o", out)
    return out / "report.html"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """The page of texts and ids that want to break out of it."""
    folder = tmp_path_factory.mktemp("hostile")
    act = "\u202e\u2066\x00\x1b]0;x\x07\x1b[31m\u200b\ufeff\u0301" + "\u0301" * 500
    texts = [
        HOSTILE + LONG + act,
        HOSTILE + LONG.replace("昨日", "今日") + act,
        "长" * 1_000_000 + "\n" + "x" * 1_000_000,
        "长" * 1_000_000 + "。\n" + "x" * 999_990,
        f"{HOSTILE}\nhttps://example.org/{'a' * 3000}\n{LONG}{LONG}",
        f"{LONG}{LONG}\n{HOSTILE}",
    ]
    ids = [f'"><script>x()</script>{number}\u202e\x1b[2J{"i" * 500}' for number in range(len(texts))]
    records = [{"id": id, "text": text, "site": HOSTILE} for id, text in zip(ids, texts, strict=True)]
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    (folder / "in.jsonl").write_text(lines, encoding="utf-8")
    clean(folder / "in.jsonl", "-o", folder / "out", "--source-field", "site")
    return folder / "out" / "report.html"


class Seen:
    """A page with all that it asked for and complained about."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Any:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def quiet(self, path: Path) -> bool:
        """Whether it loaded itself, nothing else but its empty icon, and said nothing."""
        return not self.complaints and set(self.requests) <= {path.as_uri(), "data:,"}


def shown(page: Any) -> int:
    """How many cases are to be seen."""
    return page.locator("[data-kind]:visible").count()


PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}


@pytest.mark.parametrize("which", ["example", "hostile"])
@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
def test_the_page_opens_quietly_and_fits(browser, which, options, request):
    """No console message, no request, no text that runs out of the window, whatever the texts hold."""
    path = request.getfixturevalue(which)
    seen = Seen(browser, path, **options)
    with seen as page:
        assert page.title() == "dedup report"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        overflowing = "[...document.querySelectorAll('.text')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
        assert page.evaluate(overflowing) == 0
        assert seen.quiet(path), (seen.complaints, seen.requests)


def test_dark_and_light_differ_and_are_readable(browser, example):
    """Ink stands out from the ground by the 7 : 1 of WCAG AAA, and the soft ink by the 4.5 : 1 of AA, in both."""
    script = """() => {
      const parts = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
      const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      const light = (text) => { const [r, g, b] = parts(text).map(channel); return 0.2126*r + 0.7152*g + 0.0722*b; };
      const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const style = (query) => getComputedStyle(document.querySelector(query));
      const ground = light(style("body").backgroundColor);
      return [ground, ratio(light(style("body").color), ground), ratio(light(style(".note").color), ground)];
    }"""
    grounds = []
    for scheme in ("light", "dark"):
        with Seen(browser, example, color_scheme=scheme) as page:
            ground, ink, soft = page.evaluate(script)
            assert ink >= 7
            assert soft >= 4.5
            grounds.append(ground)
    assert grounds[0] > 0.8
    assert grounds[1] < 0.1


def test_search_and_filters_work(browser, example):
    """They narrow the cases, hide empty sections, say how many are left, and can be cleared."""
    with Seen(browser, example) as page:
        everything = shown(page)
        assert everything > 30
        page.get_by_role("searchbox").fill("竹艺工坊")
        found = shown(page)
        assert 0 < found < everything
        assert page.get_by_text(f"{found} of {everything} cases").is_visible()
        assert not page.locator("#blocks").is_visible()
        page.get_by_role("button", name="Reset").click()
        page.wait_for_function(f"document.querySelectorAll('[data-kind]:not([hidden])').length === {everything}")
        page.locator("select[name=kind]").select_option("boilerplate")
        page.locator("select[name=verdict]").select_option("cut")
        kinds = page.eval_on_selector_all("[data-kind]:not([hidden])", "all => all.map(e => e.dataset.kind)")
        assert set(kinds) == {"boilerplate"}
        page.get_by_role("searchbox").fill("nothing holds this")
        assert shown(page) == 0
        assert page.get_by_text("No case on this page matches.").is_visible()


def test_without_script_everything_is_there(browser, example):
    """All cases are to be seen, and nothing that would not work."""
    with Seen(browser, example) as page:
        everything = shown(page)
    with Seen(browser, example, java_script_enabled=False) as page:
        assert shown(page) == everything
        assert not page.get_by_role("searchbox").is_visible()


def test_the_keyboard_reaches_what_matters(browser, example):
    """The first stop skips to the content; the search is a stop too, and stops are shown."""
    with Seen(browser, example) as page:
        page.keyboard.press("Tab")
        focus = "document.activeElement.getAttribute('href') || document.activeElement.name"
        assert page.evaluate(focus) == "#main"
        page.keyboard.press("Enter")
        # The browser follows the link after the key press has returned.
        page.wait_for_function("location.hash === '#main'")
        stops = []
        for _ in range(40):
            page.keyboard.press("Tab")
            stops.append(page.evaluate(focus))
            if stops[-1] == "search":
                break
        assert stops[-1] == "search"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_screen_reader_finds_its_way(browser, example):
    """Landmarks, headings, table headers and charts have names; charts have a table of the same figures."""
    with Seen(browser, example) as page:
        assert page.locator("html").get_attribute("lang") == "en"
        for role in ("banner", "navigation", "main", "search", "contentinfo"):
            assert page.get_by_role(role).count() == 1, role
        assert page.get_by_role("heading", level=1).count() == 1
        for chart in page.locator("figure svg[role=img]").all():
            title = page.locator(f"#{chart.get_attribute('aria-labelledby')}")
            assert title.inner_text()
            assert page.locator(f"#{chart.get_attribute('aria-describedby')} td").count() > 0
        tables = page.locator("main .panel table")
        assert page.locator("main .panel table:has(th[scope=col])").count() == tables.count()
        assert page.evaluate("[...document.querySelectorAll('[id]')].length === new Set([...document.querySelectorAll("
                             "'[id]')].map(e => e.id)).size")  # fmt: skip


def test_hostile_texts_are_shown_and_do_nothing(browser, hostile):
    """Markup is text, what acts is marked, and the policy has hashes for the script and the style alone."""
    with Seen(browser, hostile) as page:
        assert page.title() == "dedup report"
        assert page.locator("script").count() == 1
        assert page.locator("img").count() == 0
        assert page.get_by_text("<script>document.title='run'</script>").count() > 0
        assert page.get_by_text("{{ 7 * 7 }}").count() > 0
        marks = set(page.locator(".code").all_inner_texts())
        assert {"U+202E", "U+0000", "U+001B", "U+200B"} <= marks
        body = page.locator("body").inner_text()
        assert not set(body) & set("\u202e\u2066\x00\x1b\x07")
        policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
        assert "unsafe" not in policy
        added = (
            "document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title=1'}))"
        )
        page.evaluate(added)
        assert page.title() == "dedup report"


def test_print_shows_the_texts_on_paper(browser, example):
    """Without the filter, black on white, and no text is cut off; the browser makes a PDF of it."""
    with Seen(browser, example, color_scheme="dark") as page:
        page.emulate_media(media="print")
        assert not page.get_by_role("search").is_visible()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        assert page.pdf()[:5] == b"%PDF-"
