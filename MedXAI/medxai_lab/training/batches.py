"""Batches of training samples, made by a worker process while the model computes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ..synthetic.samples import Sample, make_sample
from ..synthetic.storage import SceneStore
from .configuration import Stage


@dataclass(frozen=True)
class Batch:
    """Tensors of B slices with K boxes each, S pixels a side.

    Attributes:
        images: (B, 3, S, S) in [0, 1].
        boxes: (B, K, 4) in pixels.
        masks: (B, K, S/2, S/2), the covered share of every logit pixel.
        regions: (B, S, S) int64, as in `Sample`.
        extents: (B, 256, 4), as in `Sample`.
    """

    images: torch.Tensor
    boxes: torch.Tensor
    masks: torch.Tensor
    regions: torch.Tensor
    extents: torch.Tensor


class SampleStream(Dataset):
    """Sample i is a function of (seed, i): a resumed training goes on with the same data."""

    def __init__(self, paths: list[Path], seed: int, stage: Stage, first: int, count: int) -> None:
        self._paths, self._seed, self._stage = paths, seed, stage
        self._first, self._count = first, count
        self._store: SceneStore | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        if self._store is None:  # loaded in the worker: the parent needs no copy
            self._store = SceneStore(self._paths)
        rng = np.random.default_rng((self._seed, self._first + index))
        while True:
            scene = self._store[int(rng.integers(len(self._store)))]
            sample = make_sample(rng, scene, self._stage.size, self._stage.boxes)
            if sample is not None:
                return sample


def collate(samples: list[Sample]) -> dict[str, torch.Tensor]:
    """Stack samples; small integer types, since they travel between processes."""
    masks = np.stack([sample.masks for sample in samples])
    b, k, s, _ = masks.shape
    quarters = masks.reshape(b, k, s // 2, 2, s // 2, 2).sum(axis=(3, 5), dtype=np.uint8)
    return {
        "images": torch.from_numpy(np.stack([sample.image for sample in samples])),
        "boxes": torch.from_numpy(np.stack([sample.boxes for sample in samples])),
        "quarters": torch.from_numpy(quarters),
        "regions": torch.from_numpy(np.stack([sample.regions for sample in samples])),
        "extents": torch.from_numpy(np.stack([sample.extents for sample in samples])),
    }


def batches(paths: list[Path], seed: int, stage: Stage, first_sample: int, steps: int, device: str) -> Iterator[Batch]:
    """Makes the batches of a stage in a process of its own.

    Args:
        paths: shards of scenes.
        seed: of the samples.
        stage: size and number of slices and boxes.
        first_sample: number of the first sample.
        steps: how many batches.
        device: where their tensors go.

    Yields:
        One batch after the other.
    """
    stream = SampleStream(paths, seed, stage, first_sample, steps * stage.slices)
    loader = DataLoader(
        stream,
        batch_size=stage.slices,
        num_workers=1,
        prefetch_factor=6,
        collate_fn=collate,
        worker_init_fn=lambda _: torch.set_num_threads(1),
        multiprocessing_context="fork",
    )
    for raw in loader:
        yield Batch(
            raw["images"].to(device)[:, None].expand(-1, 3, -1, -1),
            raw["boxes"].to(device),
            raw["quarters"].to(device).float() / 4,
            raw["regions"].to(device).long(),
            raw["extents"].to(device),
        )
