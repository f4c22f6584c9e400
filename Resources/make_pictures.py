"""Makes the pictures of README and documentation from the built-in phantom and LiteMedSAM; no real scan is in them.

    .venv/bin/python Resources/make_pictures.py

writes Resources/panels_liver.png, panels_right_kidney.png, panels_aorta.png, and scene_liver.png: the slice view of the
saved scene, as Slicer composites it; and ledger_right_kidney.png. LiteMedSAM's weights have to be here (`medxai models
download litemedsam`).
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "MedXAI"))

from medxai.cli.main import main as medxai
from medxai.scene.headless import headless_scene, load_scene_bundle, picture_of_view, quiet_vtk

#: Where the ledger's two rows begin in the panels, as a share of their height.
_LEDGER_FROM = 0.651
#: Wide enough to read every number, and half the bytes of the full size.
_WIDTH_PX = 1280


def panels(organ: str, folder: Path) -> None:
    if medxai(["demo", "--organ", organ, "--model", "litemedsam", "--output", str(folder)]):
        raise SystemExit(f"the panels of the {organ} could not be made")
    save(Image.open(folder / "panels.png"), f"panels_{organ.replace(' ', '_')}.png")


def ledger(folder: Path) -> None:
    words = [
        "demo",
        "--organ",
        "right kidney",
        "--model",
        "litemedsam",
        "--explainers",
        "ledger",
        "--output",
        str(folder),
    ]
    if medxai(words):
        raise SystemExit("the ledger's picture could not be made")
    whole = Image.open(folder / "panels.png")
    save(whole.crop((0, round(_LEDGER_FROM * whole.height), whole.width, whole.height)), "ledger_right_kidney.png")


def save(picture: Image.Image, name: str) -> None:
    picture = picture.convert("RGB")
    picture = picture.resize((_WIDTH_PX, round(picture.height * _WIDTH_PX / picture.width)), Image.Resampling.LANCZOS)
    picture.save(ROOT / "Resources" / name, optimize=True)


def view(folder: Path) -> None:
    with quiet_vtk(), headless_scene() as scene:
        load_scene_bundle(scene, folder / "scene.mrb")
        Image.fromarray(picture_of_view(scene, "Red")).convert("RGB").save(
            ROOT / "Resources" / "scene_liver.png", optimize=True
        )


def make() -> None:
    for organ in ("aorta", "right kidney", "liver"):
        with tempfile.TemporaryDirectory() as folder:
            panels(organ, Path(folder))
            if organ == "liver":
                view(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        ledger(Path(folder))


if __name__ == "__main__":
    make()
