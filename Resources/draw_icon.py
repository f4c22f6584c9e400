"""Draws MedXAI.png: a slice of the abdomen, a box, and the warmth of a saliency map in the organ. Run from anywhere.

Supersampled eight times, since at 128 pixels every edge counts.
"""

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from PIL import Image
from scipy import ndimage

SIZE, SUPER = 128, 8
ROOT = Path(__file__).resolve().parent.parent


def superellipse(x, y, centre, half, power=2.0):
    return np.abs((x - centre[0]) / half[0]) ** power + np.abs((y - centre[1]) / half[1]) ** power - 1


def draw() -> Image.Image:
    side = SIZE * SUPER
    y, x = np.mgrid[0:side, 0:side] / side * 2 - 1
    picture = np.zeros((side, side, 4))

    def paint(where, colour, opacity=1.0):
        alpha = where.astype(float)[..., None] * opacity
        picture[..., :3] = picture[..., :3] * (1 - alpha) + np.array(colour) * alpha
        picture[..., 3] = np.maximum(picture[..., 3], alpha[..., 0])

    paint(superellipse(x, y, (0, 0), (0.98, 0.98), 5) < 0, (0.055, 0.075, 0.12))
    body = superellipse(x, y, (0, 0.02), (0.84, 0.66), 2.3) < 0
    paint(body, (0.36, 0.40, 0.47))
    paint(superellipse(x, y, (0, 0.0), (0.74, 0.55), 2.4) < 0, (0.20, 0.23, 0.29))
    paint(superellipse(x, y, (0, 0.38), (0.15, 0.13)) < 0, (0.93, 0.93, 0.90))
    paint(superellipse(x, y, (0, 0.60), (0.05, 0.13)) < 0, (0.93, 0.93, 0.90))
    for side_sign in (-1, 1):
        paint(superellipse(x, y, (side_sign * 0.36, 0.27), (0.13, 0.16)) < 0, (0.62, 0.66, 0.72))
    paint(superellipse(x, y, (0.42, -0.20), (0.22, 0.20)) < 0, (0.40, 0.44, 0.51))

    liver = (superellipse(x, y, (-0.36, -0.10), (0.36, 0.38), 2.2) < 0) | (
        superellipse(x, y, (-0.04, -0.27), (0.34, 0.19), 2.2) < 0
    )
    liver &= superellipse(x, y, (-0.16, 0.30), (0.26, 0.24)) > 0
    depth = ndimage.distance_transform_edt(liver)
    warmth = np.clip(0.34 + 0.66 * (depth / depth.max()) ** 0.7, 0, 0.97)
    colours = colormaps["inferno"](warmth)[..., :3]
    picture[liver, :3] = colours[liver]

    glow = np.clip(1 - ndimage.distance_transform_edt(~liver) / (0.09 * side), 0, 1) ** 2 * body * ~liver
    picture[..., :3] += (np.array(colormaps["inferno"](0.45)[:3]) - picture[..., :3]) * (0.55 * glow)[..., None]

    # The box: only its corners, as a viewfinder draws it.
    left, right, top, bottom, arm, line = -0.80, 0.36, -0.56, 0.38, 0.20, 0.052
    on_vertical = (
        (np.minimum(abs(x - left), abs(x - right)) < line / 2) & (y > top - line / 2) & (y < bottom + line / 2)
    )
    on_horizontal = (
        (np.minimum(abs(y - top), abs(y - bottom)) < line / 2) & (x > left - line / 2) & (x < right + line / 2)
    )
    near_corner_y = np.minimum(abs(y - top), abs(y - bottom)) < arm
    near_corner_x = np.minimum(abs(x - left), abs(x - right)) < arm
    paint((on_vertical & near_corner_y) | (on_horizontal & near_corner_x), (0.25, 0.85, 0.95))

    image = Image.fromarray(np.uint8(np.clip(picture, 0, 1) * 255))
    return image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    icon = draw()
    for target in (ROOT / "MedXAI.png", ROOT / "MedXAI" / "Resources" / "Icons" / "MedXAI.png"):
        target.parent.mkdir(parents=True, exist_ok=True)
        icon.save(target)
