"""The report in a real browser: it fits, asks nothing of the network, and its tables sort."""

from __future__ import annotations

import json

import pytest

from tests.comparison.report.browser import find_browser, running
from tests.comparison.report.results import RUNGS, made_result, made_task, outcome
from textrep.comparison.report import write_report

PATH = find_browser()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PATH is None, reason="no Chromium is installed"),
]

LONG = "a label without a single blank: " + "x" * 300
OVERFLOW = """
[...document.querySelectorAll("body *")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
  .filter((e) => !e.closest(".scroll"))
  .map((e) => e.tagName + "." + e.getAttribute("class")).slice(0, 5)
"""
CLICK = 'document.querySelector(".board thead th:nth-child({}) button").click()'
NAMES = '[...document.querySelectorAll(".board .name")].map((e) => e.textContent)'
DIRECTION = 'document.querySelector(".board thead th:nth-child({})").getAttribute("aria-sort")'
# Lightness as WCAG 2.1 defines it, of the colours that the style sheet computes to.
CONTRAST = """
(() => {
  const light = (colour) => {
    const parts = colour.match(/[0-9.]+/g).slice(0, 3).map((v) => v / 255);
    const linear = parts.map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const opaque = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/^rgba|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const ratio = (e) => {
    const values = [light(getComputedStyle(e).color), light(opaque(e))].sort((a, b) => b - a);
    return (values[0] + 0.05) / (values[1] + 0.05);
  };
  const names = [".sentence", ".detail", "caption", ".mark", ".severity", "a", ".board .interval"];
  return Object.fromEntries(names.map((name) => [name, ratio(document.querySelector(name))]));
})()
"""


@pytest.fixture(scope="module")
def browser():
    with running(PATH) as found:
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Many rungs, many classes, and labels and texts as wide as they get."""
    labels = (LONG, "ham", *(f"class {k}" for k in range(23)))
    task = made_task(labels=labels, n=1200)
    texts = [f"{'y' * 2000} {text}" for text in task.texts]
    task = made_task(labels=labels, n=1200, texts=texts)
    result = made_result(task=task, settings={"prompt": "z" * 900})
    result = made_result(
        task=task,
        outcomes=(*result.outcomes, outcome("r" * 80, 0.1, learning_curve=((25, 0.1), (50, 0.2)))),
    )
    return write_report(result, tmp_path_factory.mktemp("report") / "report.html")


@pytest.mark.parametrize("width", [320, 390, 768, 1200])
def test_nothing_is_wider_than_the_window(browser, path, width):
    tab = browser.open(path, width)
    assert tab.evaluate("innerWidth") == width
    assert tab.evaluate(OVERFLOW) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_breaks_no_policy_and_asks_for_nothing_but_itself(browser, path):
    tab = browser.open(path, 1200)
    assert tab.evaluate("document.readyState") == "complete"
    assert tab.problems() == []
    outside = [url for url in tab.requests() if not url.startswith("data:")]
    assert outside == [path.as_uri()]


def test_a_script_in_the_data_would_not_run(browser, path, tmp_path):
    spoilt = tmp_path / "spoilt.html"
    source = path.read_text(encoding="utf-8")
    spoilt.write_text(source.replace("<main>", "<main><script>window.spoilt = 1</script>"))
    tab = browser.open(spoilt, 1200)
    assert tab.evaluate("window.spoilt === undefined")
    assert tab.problems() != []


def test_a_click_sorts_by_figures_and_another_turns_them_round(browser, path):
    tab = browser.open(path, 1200)
    before = tab.evaluate(NAMES)
    assert before[0] == "char-svm"
    fit_time = 5
    tab.evaluate(CLICK.format(fit_time))
    falling = tab.evaluate(NAMES)
    assert tab.evaluate(DIRECTION.format(fit_time)) == "descending"
    expected = [name for name, *_ in sorted(RUNGS, key=lambda rung: -rung[2])]
    assert [name for name in falling if name in expected] == expected
    tab.evaluate(CLICK.format(fit_time))
    assert tab.evaluate(DIRECTION.format(fit_time)) == "ascending"
    rising = [name for name in tab.evaluate(NAMES) if name in expected]
    assert rising == expected[::-1]


def test_a_click_on_the_method_sorts_by_name(browser, path):
    tab = browser.open(path, 1200)
    tab.evaluate(CLICK.format(1))
    names = tab.evaluate(NAMES)
    assert names == sorted(names)


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(browser, path, dark):
    tab = browser.open(path, 1200, dark=dark)
    ratios = tab.evaluate(CONTRAST)
    assert len(ratios) == 7
    assert min(ratios.values()) >= 4.5, json.dumps(ratios)  # WCAG 2.1, level AA


def test_dark_is_dark_and_paper_is_white(browser, path):
    ground = "getComputedStyle(document.body).backgroundColor"
    assert browser.open(path, 1200).evaluate(ground) == "rgb(255, 255, 255)"
    dark = browser.open(path, 1200, dark=True)
    assert max(map(int, dark.evaluate(ground)[4:-1].split(","))) < 50
    assert dark.pdf().startswith(b"%PDF")


def test_names_beside_points_do_not_overlap_in_the_browsers_own_font(browser, path):
    tab = browser.open(path, 1200)
    boxes = tab.evaluate("""
      [...document.querySelectorAll(".pair .chart")].slice(0, 2).map((chart) =>
        [...chart.querySelectorAll(".point text")].map((e) => {
          const box = e.getBoundingClientRect();
          return [box.left, box.right, box.top + 3, box.bottom - 3];
        }))
    """)
    assert [len(chart) for chart in boxes] == [5, 5]  # the last two are far below
    for chart in boxes:
        for i, (left, right, top, bottom) in enumerate(chart):
            for other_left, other_right, other_top, other_bottom in chart[:i]:
                assert (
                    right <= other_left or other_right <= left
                    or bottom <= other_top or other_bottom <= top
                )  # fmt: skip
