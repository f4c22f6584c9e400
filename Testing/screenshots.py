"""Makes the pictures of the panel in Resources/panel, in every state, light and dark: python Testing/screenshots.py

Needs what the tests need. The panel is the real one, on the stand-ins for Slicer's widgets and the real MRML scene, so the
widgets' looks are Qt's own Fusion style instead of Slicer's.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "MedXAI")]

from PIL import Image, ImageDraw
from PySide6 import QtGui, QtWidgets

from medxai.contour.look import LOOKS
from medxai.contour.result import ContourKind
from medxai.encoding.backends.preview import PREVIEW
from medxai.progress import Step
from medxai.scene.headless import picture_of_view
from medxai.scene.views import look_at
from medxai.slice.box import box_of_mask
from medxai.slice.slice_image import slice_of
from medxai.volume.phantom import ORGAN_LABELS, Phantom, make_phantom
from MedXAILib.session import tasks
from MedXAILib.session.state import Activity, Outcome, Running
from stand_ins.panel_bench import PanelBench, panel_bench

FOLDER = ROOT / "Resources" / "panel"
#: Takes a picture of a state, at a width in pixels (the narrowest if none is given).
Picture = Callable[..., None]
#: The narrowest and a usual width of Slicer's module panel, in pixels.
NARROW_PX, WIDE_PX = 360, 500
RESOURCES = ROOT / "MedXAI" / "Resources"
THUMBNAIL = RESOURCES / "Icons" / "MedXAIAbdomenPhantom.png"
#: Of a line in the contour check's legend: size in pixels, the grey of a dark slice behind it, pixels for each point of a
#: dash, and how many times larger it is drawn before it is made small.
LINE_SIZE, LINE_GROUND, LINE_SCALE, FINER = (46, 14), "#2b2b2b", 1.6, 8


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind in ContourKind:
        line_picture(kind).save(RESOURCES / "Icons" / f"contour_{kind.name.lower()}.png")
    phantom = make_phantom()
    for theme, palette in (("light", light()), ("dark", dark())):
        with tempfile.TemporaryDirectory() as folder, panel_bench(Path(folder)) as bench:
            bench.application.setStyle(QtWidgets.QStyleFactory.create("Fusion"))
            bench.application.setPalette(palette)
            make_pictures(bench, phantom, theme)
        print(f"{theme}: {len(list(FOLDER.glob(f'*_{theme}.png')))} pictures in {FOLDER.relative_to(ROOT)}")


def make_pictures(bench: PanelBench, phantom: Phantom, theme: str) -> None:
    def picture(state: str, width: int = NARROW_PX) -> None:
        bench.picture(FOLDER / f"{state}_{theme}.png", width)

    without_packages(bench, picture)
    picture("empty")
    before_the_first_map(bench, phantom, picture)
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None), bench.state
    bench.settle()
    picture("result")
    picture("result_wide", WIDE_PX)
    if theme == "light":
        thumbnail(bench)
    bench.click("contourButton")
    assert bench.pump(lambda: bench.state.result.contour.follows_box is not None), bench.state
    bench.settle()
    picture("contour")
    picture("contour_wide", WIDE_PX)
    bench.click("stage3Button")
    through_the_slices(bench, picture)
    several_organs(bench, phantom, picture)
    other_methods_and_settings(bench, picture)
    states_that_pass(bench, picture)


def without_packages(bench: PanelBench, picture: Picture) -> None:
    """The panel where nothing is installed; ends with an empty panel where all is."""
    needed, looked = tasks.NEEDED_MODULES, tasks._is_installed
    bench.start()
    tasks.NEEDED_MODULES = ("torch", "skimage", "segment_anything")
    tasks._is_installed = lambda name: False
    bench.controller.start()
    bench.controller.scene_changed()
    assert bench.pump(lambda: bool(bench.state.missing))
    bench.ui.modelSection.collapsed = False
    bench.choose("modelSelector", "medsam")
    picture("packages_missing")
    bench.choose("modelSelector", "demo")
    bench.ui.modelSection.collapsed = True
    tasks.NEEDED_MODULES, tasks._is_installed = needed, looked
    bench.controller.start()
    bench.controller.scene_changed()
    bench.start()


def before_the_first_map(bench: PanelBench, phantom: Phantom, picture: Picture) -> None:
    """A volume and a box: a model without weights, one that is ready, one that is at work."""
    index = phantom.slice_with_most("liver")
    image = slice_of(phantom.volume, "axial", index)
    node = bench.load(phantom.volume, "CT abdomen phantom")
    node.SetAttribute("DICOM.Modality", "CT")  # as Sample Data loads it
    look_at(bench.red, node, image)
    bench.settle()
    bench.draw(image, box_of_mask(phantom.organs[index] == ORGAN_LABELS["liver"]))
    bench.settle()
    bench.ui.modelSection.collapsed = False
    bench.choose("modelSelector", "medsam")
    bench.settle()
    picture("weights_missing")
    bench.choose("modelSelector", "demo")
    bench.ui.modelSection.collapsed = True
    bench.settle()
    picture("ready")

    # A picture cannot wait for a moment, so the running state is set: 4 of 12 blocks after 3.4 seconds.
    bench.controller._state.change(running=Running(Activity.EXPLAIN, time.monotonic() - 3.4, Step.ENCODING, 4, 13))
    picture("running")
    bench.controller._state.change(running=None)


def through_the_slices(bench: PanelBench, picture: Picture) -> None:
    """The organ followed through the slices, and while it is followed; ends with the maps of one slice."""
    bench.click("throughButton")
    assert bench.pump(lambda: bench.state.followed is not None), bench.state
    bench.settle()
    picture("through_the_slices")
    # A picture cannot wait for a moment, so the running state is set: 12 of at most 40 slices after 5.2 seconds.
    running = Running(Activity.FOLLOW, time.monotonic() - 5.2, Step.FOLLOWING, 12, 40, 12.3)
    bench.controller._state.change(running=running, followed=None)
    picture("following")
    bench.controller._state.change(running=None)


def several_organs(bench: PanelBench, phantom: Phantom, picture: Picture) -> None:
    """Three boxes on a slice, named and explained together, and one of them moved; ends with the first box alone."""
    first, index = bench.parameters.region, phantom.slice_with_most("liver")
    image = slice_of(phantom.volume, "axial", index)
    drawn = []
    for organ in ("spleen", "stomach"):
        mask = phantom.organs[index] == ORGAN_LABELS[organ]
        drawn.append(bench.draw(image, box_of_mask(mask)))
        bench.settle()
    for number, organ in enumerate(("liver", "spleen", "stomach"), start=1):
        bench.choose(f"organ{number}Selector", organ)
        bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.shown_organs is not None), bench.state
    bench.settle()
    picture("several_organs")
    bench.drag(drawn[0], 6.0)
    bench.settle()
    picture("several_organs_moved")
    for region in drawn:
        bench.scene.RemoveNode(region)
    bench.parameters.region = first
    bench.choose("organ1Selector", "")
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: not bench.state.running and bench.state.organs is None), bench.state
    bench.settle()


def other_methods_and_settings(bench: PanelBench, picture: Picture) -> None:
    bench.choose("comparisonSelector", "grad-cam")
    assert bench.pump(lambda: bool(bench.state.result.comparisons)), bench.state.message
    bench.settle()
    picture("comparison")
    bench.choose("comparisonSelector", "ledger/mask")
    assert bench.pump(lambda: bool(bench.state.result.signed)), bench.state.message
    bench.settle()
    picture("ledger")
    bench.click("stage3Button")
    bench.ui.caseSection.collapsed, bench.ui.settingsSection.collapsed = True, False
    # As at a user's, instead of the test bench's.
    bench.ui.folderButton.text, bench.ui.aheadCheck.checked = "the usual place", True
    picture("settings")
    bench.ui.caseSection.collapsed, bench.ui.settingsSection.collapsed = False, True


def states_that_pass(bench: PanelBench, picture: Picture) -> None:
    """A preview, maps that are older than the slice, and a failure."""
    # The demo model is too quick for a preview, so its result is shown as one: 3 of 12 blocks after 4.1 seconds.
    full, warning = bench.state.result, PREVIEW.note
    preview = replace(full, encoding=replace(full.encoding, backend=PREVIEW.name), warnings=(warning, *full.warnings))
    bench.controller._state.change(
        result=preview, running=Running(Activity.EXPLAIN, time.monotonic() - 4.1, Step.ENCODING, 3, 13)
    )
    picture("preview")
    bench.controller._state.change(result=full, running=None)
    bench.click("liveCheck")
    bench.scroll(bench.red, bench.red.GetSliceOffset() + 10)
    bench.settle()
    picture("stale")
    bench.controller._state.change(
        outcome=Outcome.FAILED,
        message="There is not enough memory to encode the slice with 'MedSAM ViT-B'; close other programs or choose a smaller model (demo, litemedsam).",
    )
    picture("failed")


def line_picture(kind: ContourKind) -> Image.Image:
    """The line of a kind of outline, as slice views draw it, for the panel's legend."""
    look, (width, height) = LOOKS[kind], (LINE_SIZE[0] * FINER, LINE_SIZE[1] * FINER)
    drawn = Image.new("RGB", (width, height), LINE_GROUND)
    pen = ImageDraw.Draw(drawn)
    thick = look.width * FINER
    dash, gap = (part * LINE_SCALE * FINER for part in look.dash) if look.dash else (float(width), 0.0)
    start = 4.0 * FINER
    while start < width - 4 * FINER:
        end = min(start + dash, width - 4 * FINER)
        pen.rectangle((start, (height - thick) / 2, end, (height + thick) / 2), fill=look.colour)
        start += dash + gap
    return drawn.resize(LINE_SIZE, Image.Resampling.LANCZOS)


def thumbnail(bench: PanelBench) -> None:
    """The phantom with its stage 3 map, for Slicer's Sample Data module."""
    picture = Image.fromarray(picture_of_view(bench.scene, "Red")).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture.crop((left, top, left + side, top + side)).resize((260, 260), Image.Resampling.LANCZOS).save(THUMBNAIL)


def light() -> QtGui.QPalette:
    return QtWidgets.QStyleFactory.create("Fusion").standardPalette()


def dark() -> QtGui.QPalette:
    """As Slicer's dark style: dark greys, white text, a blue highlight."""
    palette, role = QtGui.QPalette(), QtGui.QPalette.ColorRole
    for name, colour in {
        role.Window: "#323232",
        role.WindowText: "#f0f0f0",
        role.Base: "#242424",
        role.AlternateBase: "#2d2d2d",
        role.ToolTipBase: "#3c3c3c",
        role.ToolTipText: "#f0f0f0",
        role.Text: "#f0f0f0",
        role.PlaceholderText: "#a0a0a0",
        role.Button: "#404040",
        role.ButtonText: "#f0f0f0",
        role.BrightText: "#ffffff",
        role.Link: "#7ab5ff",
        role.Highlight: "#3d7fc4",
        role.HighlightedText: "#ffffff",
    }.items():
        palette.setColor(name, QtGui.QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QtGui.QPalette.ColorGroup.Disabled, name, QtGui.QColor("#8a8a8a"))
    return palette


if __name__ == "__main__":
    main()
