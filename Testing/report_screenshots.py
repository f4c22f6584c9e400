"""Makes the pictures of the report in Resources/report, wide and narrow, of the phantom: python Testing/report_screenshots.py

The report is the one of `medxai demo --explainers baselines grad-cam`, as a browser shows it; it takes a minute, and needs Chromium
and what `medxai[scene,comparison]` brings. With the report.html of another run as its only word it shows that one, such as
that of `--evidence full`, which takes an hour with LiteMedSAM.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "MedXAI")]

from browser import browser_path, open_browser
from medxai.cli.main import main as medxai

FOLDER = ROOT / "Resources" / "report"
#: The page's width, the part from its top that is shown, in how many columns side by side, and the picture's width.
PICTURES = {"wide": (1280, 3700, 1, 760), "narrow": (390, 6300, 3, 820)}


def main() -> None:
    if browser_path() is None:
        raise SystemExit("The pictures need the browser Chromium, which is not installed.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 1:
        take_pictures(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        if medxai(["demo", "--explainers", "baselines", "grad-cam", "--output", folder]):
            raise SystemExit("The report could not be made.")
        take_pictures(Path(folder) / "report.html")


def take_pictures(report: Path) -> None:
    with open_browser() as page:
        for name, (width, shown, columns, picture_width) in PICTURES.items():
            page.open(report, width)
            whole = Image.open(io.BytesIO(page.picture())).convert("RGB")
            picture = in_columns(whole.crop((0, 0, whole.width, min(shown, whole.height))), columns)
            height = round(picture.height * picture_width / picture.width)
            small = picture.resize((picture_width, height), Image.Resampling.LANCZOS).quantize(
                256, dither=Image.Dither.NONE
            )
            small.save(FOLDER / f"{name}.png", optimize=True)


def in_columns(picture: Image.Image, columns: int) -> Image.Image:
    """A tall picture cut into equal parts side by side, on white."""
    height, gap = -(-picture.height // columns), 24
    sheet = Image.new("RGB", (columns * picture.width + (columns - 1) * gap, height), "white")
    for n in range(columns):
        sheet.paste(
            picture.crop((0, n * height, picture.width, min((n + 1) * height, picture.height))),
            (n * (picture.width + gap), 0),
        )
    return sheet


if __name__ == "__main__":
    main()
