"""What the tests of reports share: the words of a page, words that no page may say, and names that try to break it."""

import re
from dataclasses import replace
from html.parser import HTMLParser

from medxai_lab.cohort.summary import (
    ALL_ORGANS,
    BOX_CAVEAT,
    CheckCount,
    CohortSummary,
    CostLine,
    Failure,
    Interval,
    PairedTest,
    SegmentationLine,
    SummaryLine,
)

HOSTILE_NAMES = {
    "a script": "<script>document.title='taken'</script>",
    "quotes": "\"'>` onload=alert(1) <img src=x onerror=alert(1)>",
    "a template": "{{ 7 * 7 }}{% raw %}",
    "an end of style": "</style></title><b>bold</b>",
    "very long": "Z" * 4000,
    "other scripts": "肝臓 ‮ CT é \U0001f9e0",  # noqa: PLE2502  on purpose
}

#: Nothing that sounds as if a map or a mask had been judged sound; only the limits statement may name two of them.
FORBIDDEN = re.compile(
    r"\b(confiden\w*|certain\w*|trust\w*|correct\w*|diagnos\w*|reliab\w*|accura\w*|proof|proves?|probab\w*|benign|malignan\w*)\b",
    re.I,
)


class Text(HTMLParser):
    """The words of a page in their order, its tags, what it refers to, and handlers of events."""

    def __init__(self, html: str):
        super().__init__()
        self.words, self.tags, self.references, self.handlers, self._skipped, self._in_body = [], [], [], [], 0, False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self._in_body |= tag == "body"
        self._skipped += tag in ("style", "script")
        self.references += [
            value
            for name, value in attributes
            if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster")
        ]
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        self.words += [value for name, value in attributes if name in ("alt", "aria-label", "title")]

    def handle_endtag(self, tag):
        self._skipped -= tag in ("style", "script")

    def handle_data(self, data):
        if self._in_body and not self._skipped and data.strip():
            self.words.append(data.strip())


METRIC = "auroc_grown_box"


def line(explainer, kind, stage, layer, mean, half, organ=ALL_ORGANS, mask="reference", baseline="box"):
    return SummaryLine(
        organ,
        explainer,
        kind,
        stage,
        layer,
        "localisation",
        METRIC,
        mask,
        Interval(mean, mean - half, mean + half, 3, 12, "patients, then cases"),
        baseline,
    )


def cohort_summary():
    """A small cohort whose numbers differ in every line that a page may tell apart."""
    gains = tuple(
        line("medxai", "method", stage, layer, mean, 0.02, organ)
        for organ in (ALL_ORGANS, "liver", "spleen")
        for stage, mean in (("stage1", -0.05), ("stage2", 0.01), ("stage3", 0.04))
        for layer in ("block 2", "neck")
    ) + tuple(line("grad-cam", "comparison", "", layer, -0.3, 0.1) for layer in ("block 2", "neck"))
    return CohortSummary(
        title="abdomens: demo",
        settings={"dataset": "abdomens", "model": "demo", "model sha256": "ab" * 32, "seed": "0"},
        scans=3,
        scans_failed=1,
        patients=3,
        cases=12,
        cases_failed=2,
        organs=("liver", "spleen"),
        headline_metric=METRIC,
        headline_layer="neck",
        caveats=(BOX_CAVEAT,),
        gains=gains,
        metrics=(
            *(replace(one, interval=Interval(0.9, 0.8, 0.95, 3, 12, "cases")) for one in gains),
            line("box", "baseline", "", "", 0.815, 0.02),
        ),
        tests=(
            PairedTest(
                "stage 3 against grad-cam", ALL_ORGANS, "neck", METRIC, "reference", "cases", 12, 0.34, 0.0004, 0.012
            ),
        ),
        comparisons=30,
        checks=(
            CheckCount("random weights", "medxai", "stage1", "neck", 11, 12),
            CheckCount("another box", "medxai", "stage1", "neck", 12, 12),
        ),
        segmentation=(SegmentationLine("liver", 6, 0.861, 0.702),),
        failures=(
            Failure("p3", "", "", "The volume is damaged."),
            *(Failure("p1", f"p1/{n}", "grad-cam", "out of memory") for n in range(7)),
        ),
        pictures={},
        costs=(CostLine("medxai", "seconds_first_box", 0.43, 12),),
        token_mm=(8.5, 11.4),
    )
