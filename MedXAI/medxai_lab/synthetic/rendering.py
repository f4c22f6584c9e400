"""From a scene to a slice image: deformation, texture, acquisition, noise, artefacts, window."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from .appearance import Appearance
from .fields import smooth_noise, unit_grid


def deform(rng: np.random.Generator, labels: np.ndarray, size: int) -> np.ndarray:
    """A random affine and smooth deformation of a label map.

    Scaling is anisotropic, since slices are made square without keeping their proportions; what comes in from outside
    the map is air.

    Args:
        rng: Draws the deformation.
        labels: (h, w) uint8.
        size: Pixels a side of the result.

    Returns:
        (size, size) uint8.
    """
    x, y = unit_grid(size)
    angle = rng.normal() * 0.25 if rng.random() < 0.85 else rng.uniform(0, 2 * np.pi)
    zoom = np.exp(rng.uniform(np.log(0.65), np.log(1.25)))
    stretch = np.exp(rng.normal() * 0.18)
    scale_x, scale_y = zoom * stretch, zoom / stretch
    c, s = np.cos(angle), np.sin(angle)
    free = 0.15 + max(0.0, 1.0 - zoom) * 0.8
    shift = rng.uniform(-free, free, 2)
    amplitude = rng.uniform(0, 0.06)
    dx = amplitude * smooth_noise(rng, x.shape, rng.uniform(2, 6))
    dy = amplitude * smooth_noise(rng, x.shape, rng.uniform(2, 6))
    u = c * scale_x * x - s * scale_y * y + shift[0] + dx
    v = s * scale_x * x + c * scale_y * y + shift[1] + dy
    if rng.random() < 0.5:
        u = -u
    if rng.random() < 0.3:
        v = -v
    height, width = labels.shape
    column = np.floor((u + 1) * (width / 2)).astype(np.int32)
    row = np.floor((v + 1) * (height / 2)).astype(np.int32)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    flat = np.where(inside, row * width + column, 0)
    return np.where(inside, labels.ravel()[flat], 0).astype(np.uint8)


def _gaussian(image: torch.Tensor, sigma: float) -> torch.Tensor:
    radius = max(1, int(np.ceil(2.5 * sigma)))
    line = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (line / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(image[None, None], (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))[0, 0]


def _normal(rng: np.random.Generator, shape: tuple[int, int]) -> torch.Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def _streaks(rng: np.random.Generator, image: torch.Tensor, strength: float) -> torch.Tensor:
    """Bright and dark rays from a point, as metal or dense bone throws them."""
    x, y = unit_grid(image.shape[0])
    cx, cy = rng.uniform(-0.7, 0.7, 2)
    theta = np.arctan2(y - cy, x - cx)
    turns = np.zeros(720, np.float32)
    turns[rng.integers(0, 720, rng.integers(4, 30))] = rng.normal(size=1)
    turns += 0.3 * rng.standard_normal(720).astype(np.float32)
    index = ((theta + np.pi) * (719 / (2 * np.pi))).astype(np.intp)
    fade = np.exp(-np.hypot(x - cx, y - cy) / rng.uniform(0.2, 0.8))
    return image + strength * torch.from_numpy(turns[index] * fade.astype(np.float32))


def render(rng: np.random.Generator, labels: np.ndarray, look: Appearance) -> np.ndarray:
    """Paints and acquires a label map.

    The steps are those of a scan: tissue with texture, shading, resolution and partial volume,
    noise at the acquired resolution, resize to the model's grid, window, 8 bits.

    Args:
        rng: what is drawn at random.
        labels: (S, S) uint8.
        look: intensity and texture of every label.

    Returns:
        (S, S) float32, minimum 0 and maximum 1.
    """
    image = _tissue(rng, labels, look)
    image = _acquired(rng, image, look)
    image = _windowed(rng, image, look.window)
    image = torch.round(image * 255.0)
    low_end, high_end = image.min(), image.max()
    return ((image - low_end) / (high_end - low_end).clamp_min(1.0)).numpy()


def _tissue(rng: np.random.Generator, labels: np.ndarray, look: Appearance) -> torch.Tensor:
    """(S, S): every label's intensity with its fine and its coarse texture, and the shading of an MR coil."""
    size = labels.shape[0]
    index = torch.from_numpy(labels.astype(np.int64))
    image = torch.from_numpy(look.mean)[index]
    fine = _gaussian(_normal(rng, (size, size)), max(0.5, rng.uniform(0.6, 3.0) * (size / 256.0)))
    fine = fine / fine.std().clamp_min(1e-6)
    image = image + torch.from_numpy(look.fine)[index] * fine
    coarse = torch.from_numpy(smooth_noise(rng, (size, size), rng.uniform(6, 24)))
    image = image + torch.from_numpy(look.coarse)[index] * coarse
    if look.window is None and rng.random() < 0.8:  # coil shading
        depth = rng.uniform(0.0, 0.6)
        field = torch.from_numpy(smooth_noise(rng, (size, size), rng.uniform(1, 3)))
        image = image * torch.exp(depth * 0.6 * field)
    return image


def _acquired(rng: np.random.Generator, image: torch.Tensor, look: Appearance) -> torch.Tensor:
    """(S, S): after partial volume of voxels larger than the model's pixels, and the noise of that resolution."""
    size, ct = image.shape[0], look.window is not None
    span = (look.window[1] - look.window[0]) if ct else 1.0
    coarsest = 0.3 if rng.random() < 0.7 else 0.6
    fraction = np.exp(rng.uniform(np.log(coarsest), 0.0))
    skew = np.exp(rng.normal() * 0.1) if rng.random() < 0.7 else np.exp(rng.normal() * 0.4)
    acquired = tuple(int(np.clip(round(size * f), size * 0.22, size)) for f in (fraction * skew, fraction / skew))
    if rng.random() < 0.8:
        image = _gaussian(image, max(0.35, rng.uniform(0.3, 1.5) * (size / 256.0)))
    low = F.interpolate(image[None, None], acquired, mode="bilinear", antialias=True)[0, 0]

    noise = span * rng.choice([0.005, 0.02, 0.05, 0.1]) * rng.uniform(0.3, 1.2)
    grain = _normal(rng, acquired)
    if rng.random() < 0.5:
        grain = _gaussian(grain, rng.uniform(0.4, 1.2))
        grain = grain / grain.std().clamp_min(1e-6)
    if ct or rng.random() < 0.5:
        low = low + noise * grain
    else:  # magnitude images: Rician
        low = torch.hypot(low + noise * grain, noise * _normal(rng, acquired))
    image = F.interpolate(low[None, None], (size, size), mode="bicubic", align_corners=False)[0, 0]
    return _streaks(rng, image, span * rng.uniform(0.05, 0.4)) if rng.random() < 0.06 else image


def _windowed(rng: np.random.Generator, image: torch.Tensor, window: tuple[float, float] | None) -> torch.Tensor:
    """(S, S) in [0, 1]: through a CT window; for an MR by percentiles, with a random curve and at times inverted."""
    if window is not None:
        low_end, high_end = window
    else:
        positive = image[::2, ::2]
        low_end, high_end = np.quantile(positive.numpy(), (0.005, rng.uniform(0.985, 0.999)))
    image = ((image - low_end) / max(high_end - low_end, 1e-6)).clamp(0, 1)
    if window is None:
        image = image ** float(np.exp(rng.normal() * 0.3))
        if rng.random() < 0.15:
            image = 1.0 - image
    return image
