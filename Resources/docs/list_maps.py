"""Writes the page "The maps" (maps.md) from the registry of explainers.

    .venv/bin/python Resources/docs/list_maps.py

Every map is listed that a file of `medxai/explainers` registers, whether its package is installed here or not.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1] / "MedXAI"))

from medxai.explainers.base import Explainer
from medxai.explainers.registry import explainers, groups
from medxai.limits import LIMITS_STATEMENT
from medxai.maps import MapInfo, Need, Role

PAGE = FOLDER / "maps.md"
_HEADINGS = {
    Role.METHOD: (
        "MedXAI's own maps",
        "The paper's three stages at every layer, and two maps of the mask decoder. Every explanation has them.",
    ),
    Role.BASELINE: (
        "Baselines",
        "Maps without anything learned. A map that does no better than these says nothing about the model; reports and "
        "cohorts give every metric beside the best of them.",
    ),
    Role.COMPARISON: (
        "Comparison methods",
        "Other people's published methods, through their own libraries, on the same model and the same box.",
    ),
    Role.DECOMPOSITION: (
        "Decompositions",
        "Parts that add up to the model's own answer, on one range of colours: blue below 0, orange above. They are looked "
        "at, not ranked, so the group `all` leaves them out: [the ledger of the logit](ledger.md).",
    ),
}
_NEEDS = {
    Need.FEATURES: "features",
    Need.DECODER: "decoder",
    Need.GRADIENTS: "gradients",
    Need.ENCODER_RUNS: "encoder runs",
}
_ENDING = """## How a map is named

A map has one name everywhere, in files, in Slicer's scene, in tables and in Python: `explainer/map@layer`, for example
`medxai/stage3@block 11`, `medxai/interaction`, `grad-cam@neck` or `box`. In Python it is a `medxai.MapId`;
`MapId.parse("medxai/stage3@block 11")` reads it back.

On the command line, `--explainers` takes the names of explainers ({names}) and of groups ({groups}).

## Where this page comes from

`.venv/bin/python Resources/docs/list_maps.py` writes it from the registry. A new explainer, one file in
`medxai/explainers`, stands here after the next run ([how to add one](contributing.md#add-an-explainer)).
"""


def page() -> str:
    """The page's text."""
    known = explainers()
    parts = [
        "# The maps",
        LIMITS_STATEMENT,
        "Each map has one value for each place of the slice: higher means more influence, by the map's own scale. "
        "*Layers* says whether there is one map for each layer of the image encoder. *Needs* says what of the model a map "
        "uses: the encoder's features, the mask decoder, gradients, or further runs of the encoder, which take the most time.",
    ]
    for role, (heading, sentence) in _HEADINGS.items():
        parts += [f"## {heading}", sentence, _table([cls for cls in known.values() if cls.role is role])]
    names = ", ".join(f"`{key}`" for key in known)
    group_names = ", ".join(f"`{name}`" for name in groups() if name not in ("nulls", "peers"))
    return "\n\n".join([*parts, _ENDING.format(names=names, groups=group_names)])


def _table(classes: list[type[Explainer]]) -> str:
    lines = ["| map | name | what it shows | layers | needs |", "| --- | --- | --- | --- | --- |"]
    for cls in classes:
        infos = cls.map_infos()
        if cls.role in (Role.BASELINE, Role.COMPARISON) and len(infos) > 2:  # a variant of MedXAI's own maps
            infos = (MapInfo(cls.key, "…", cls.title, cls.sentence, has_layers=cls.has_layers, needs=cls.needs),)
        lines += [_line(cls, info) for info in infos]
    return "\n".join(lines)


def _line(cls: type[Explainer], info: MapInfo) -> str:
    needs = [text for need, text in _NEEDS.items() if need in info.needs]
    package = [f"package `{cls.package.name}`"] if cls.package else []
    title = info.title[0].upper() + info.title[1:]
    layers = "yes" if info.has_layers else "one map"
    return f"| {title} | `{info.key}` | {info.sentence} | {layers} | {', '.join(needs + package) or 'nothing'} |"


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Written: {PAGE.name}.")


if __name__ == "__main__":
    main()
