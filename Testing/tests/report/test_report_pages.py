"""Reports in a real browser, from a file and without a network: on a wide page, on a phone, in the dark and on paper."""

import io
import itertools
import re
from dataclasses import replace
from datetime import datetime

import pytest
from PIL import Image

from browser import browser_path, open_browser
from medxai.engine import Engine
from medxai.limits import LIMITS_STATEMENT
from medxai.maps import stage_map
from medxai.metrics.sanity_verdict import SanityVerdict
from medxai.organ_codes import UNNAMED, organ_named
from medxai.organs_on_slice import organs_of
from medxai.report.case_evidence import quick_evidence
from medxai.report.case_report import write_case_report
from medxai.report.organs import OrganWithEvidence, organs_report_html
from medxai.report.through_report import through_report_html
from medxai.request import ExplainRequest
from medxai.slice.box import box_of_mask, grown_box
from medxai.through_slices.several import followed_organs, requests_of
from medxai_lab.cohort.report import write_cohort_report
from medxai_lab.cohort.summary import Failure
from support.answered import DEMO, phantom_case
from support.report import cohort_summary
from support.tubes import make_tube

WIDE, NARROW = 1280, 390

#: Words and numbers that stick out of the page at its right, unless a box of their own scrolls them.
STICKING_OUT = """(() => {
  const scrolled = e => e && (['auto', 'scroll'].includes(getComputedStyle(e).overflowX) || scrolled(e.parentElement));
  return [...document.body.querySelectorAll('*')].filter(e => !e.closest('svg') && e.getBoundingClientRect().right > innerWidth + 1 && !scrolled(e.parentElement))
    .map(e => e.outerHTML.slice(0, 80));
})()"""

#: Every picture's own width; 0 for one that cannot be decoded.
PICTURES = """Promise.all([...document.querySelectorAll('image, img')].map(e => new Promise(found => {
  const one = new Image(); one.onload = () => found(one.naturalWidth); one.onerror = () => found(0); one.src = e.getAttribute('href') || e.src;
})))"""

#: WCAG 2's contrast of every text against the nearest ground below it, the lowest first.
CONTRASTS = """(() => {
  const parts = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = parts(c).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; const p = parts(c); if (p.length < 4 || p[3] > 0) return c; } return 'rgb(255, 255, 255)'; };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('svg, style')) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
    found.push([(Math.max(a, b) + .05) / (Math.min(a, b) + .05), walk.currentNode.data.trim().slice(0, 40)]);
  }
  return found.sort((a, b) => a[0] - b[0]).slice(0, 1).concat([[found.length, '']]);
})()"""


@pytest.fixture(scope="module")
def browser():
    if browser_path() is None:
        pytest.skip("needs the browser Chromium, which is not installed")
    with open_browser() as page:
        yield page


@pytest.fixture(scope="module")
def case():
    return replace(phantom_case("aorta"), reference_mask=None)


@pytest.fixture(scope="module")
def pages(case, tmp_path_factory):
    """A plain report, and one under everything that may go wrong: a hostile, very long name, failed checks, warnings."""
    folder = tmp_path_factory.mktemp("reports")
    result, evidence = case.result, quick_evidence(case)
    verdicts = tuple(
        SanityVerdict(check, stage_map(1, "block 4"), 0.91, 0.5, passed, f"The map hardly changed ({check}).")
        for check, passed in (("random weights", False), ("another box", True))
    )
    failures = (("grad-cam", "ValueError: " + "x" * 300),)
    write_case_report(folder / "plain.html", result, evidence)
    name = (
        "<script>document.title='taken'</script>\"'><img src=http://example.invalid/x.png onerror=document.title='taken'>"
        + "W" * 600
    )
    image = replace(result.prepared.image, volume_name=name)
    hostile = replace(
        result, prepared=replace(result.prepared, image=image), warnings=("Stage 2 is uninformative here.", "y" * 400)
    )
    write_case_report(folder / "hostile.html", hostile, replace(evidence, verdicts=verdicts, failures=failures))
    cohort = cohort_summary()
    reasons = (*cohort.failures, Failure(name, name, "", "z" * 500))
    write_cohort_report(
        folder / "cohort.html",
        replace(cohort, title=name, settings={"dataset": name, **cohort.settings}, failures=reasons),
    )
    organs = organs_of([organ_named("aorta"), replace(UNNAMED, name="W" * 300)], [result, result])
    both = [OrganWithEvidence(one, evidence) for one in organs]
    (folder / "organs.html").write_text(organs_report_html(both, datetime(2026, 1, 2), "figures.csv"), encoding="utf-8")
    (folder / "through.html").write_text(through_page(name), encoding="utf-8")
    return {path.stem: path for path in folder.iterdir()}


def through_page(name):
    """A tube that ends, and a larger box around it, followed through six slices; the volume has a hostile name."""
    tube = make_tube("end", 3)
    on_slice = ExplainRequest.of_slice(tube.volume, "axial", 7, model=DEMO)
    box = box_of_mask(tube.mask[7])
    requests = requests_of(on_slice, [box, grown_box(box, on_slice.image.shape)], first=4, last=9)
    organs = followed_organs(
        [organ_named("aorta"), replace(UNNAMED, name=name)], Engine().explain_organ_volumes(requests)
    )
    named = [
        replace(
            one,
            result=replace(one.result, warnings=("y" * 400,), request=replace_volume_name(one.result.request, name)),
        )
        for one in organs
    ]
    picture = io.BytesIO()
    Image.new("RGB", (700, 300)).save(picture, "png")
    return through_report_html(named, [picture.getvalue()] * 2, datetime(2026, 1, 2))


def replace_volume_name(request, name):
    return replace(request, on_slice=replace(request.on_slice, volume=replace(request.on_slice.volume, name=name)))


@pytest.mark.parametrize("name", ["plain", "hostile", "cohort", "organs", "through"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_page_fits_its_width_shows_all_pictures_and_asks_for_nothing(browser, pages, name, width):
    browser.open(pages[name], width)
    assert browser.value_of("innerWidth") == width == browser.value_of("document.documentElement.scrollWidth")
    assert browser.value_of(STICKING_OUT) == []
    widths = browser.value_of(PICTURES)
    assert len(widths) >= {"cohort": 0, "through": 2}.get(name, 18) and all(widths)
    assert {url.split(":")[0] for url in browser.requested} <= {"file", "data"} and sum(
        url.startswith("file:") for url in browser.requested
    ) == 1
    titles = {"cohort": "MedXAI cohort report", "through": "MedXAI report through the slices: <script>"}
    assert browser.value_of("document.title").startswith(titles.get(name, "MedXAI report: axial slice 7"))
    assert browser.value_of("document.scripts.length") == 0


@pytest.mark.parametrize("name", ["hostile", "cohort", "organs", "through"])
def test_the_first_words_of_the_page_are_its_limits_and_headings_are_in_order(browser, pages, name):
    browser.open(pages[name], WIDE)
    assert browser.value_of("document.body.innerText").strip().split("\n")[0] == LIMITS_STATEMENT
    levels = browser.value_of("[...document.querySelectorAll('h1,h2,h3,h4')].map(e => +e.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels))
    unnamed = "[...document.querySelectorAll('svg:not([aria-hidden])')].filter(e => !e.parentElement.closest('svg') && !e.getAttribute('aria-label')).length"
    assert browser.value_of(unnamed) == 0


@pytest.mark.parametrize("name", ["hostile", "cohort", "organs", "through"])
@pytest.mark.parametrize("dark", [False, True])
def test_every_word_can_be_read_by_day_and_by_night(browser, pages, name, dark):
    browser.open(pages[name], WIDE, dark)
    (lowest, words), (count, _) = browser.value_of(CONTRASTS)
    assert count > 60
    assert lowest >= 4.5, f"'{words}' has a contrast of {lowest:.2f}"


@pytest.mark.parametrize("dark", [False, True])
def test_a_failed_check_is_red_and_says_so_in_words(browser, pages, dark):
    browser.open(pages["hostile"], WIDE, dark)
    badge = "document.querySelector('[data-state=\"{}\"] strong')"
    colour = {
        state: browser.value_of(f"getComputedStyle({badge.format(state)}).color")
        for state in ("failed", "passed", "not run")
    }
    red, green, blue = map(int, re.findall(r"\d+", colour["failed"])[:3])
    assert red > 2 * max(green, blue) or (dark and red > 1.4 * max(green, blue))
    assert len(set(colour.values())) == 3
    assert browser.value_of(f"{badge.format('failed')}.innerText") == "✗ Random weights: failed"


def test_a_map_really_lies_over_the_slice(browser, pages):
    """The stage maps are seen: with them gone the picture of the page changes."""
    browser.open(pages["plain"], WIDE)
    before = browser.picture()
    browser.value_of("document.querySelectorAll('.cells image').forEach(e => e.remove())")
    assert browser.picture() != before


def test_it_prints_on_a4_with_all_its_pictures(browser, pages):
    for name in ("plain", "hostile", "cohort"):
        browser.open(pages[name], WIDE)
        pdf = browser.printed()
        assert pdf.startswith(b"%PDF")
        width, height = map(float, re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", pdf).groups())
        assert abs(width - 595) < 2 and abs(height - 842) < 2
        assert 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 8
        assert name == "cohort" or len(re.findall(rb"/Subtype\s*/Image", pdf)) >= 18
