"""Scenes on disk: numbered shards, each written whole or not at all, each a function of its seed."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from .anatomy import random_scene
from .scene import MAX_LABELS, Scene

SHARD_SCENES = 250
"""Scenes per shard file."""


def make_shard(folder: Path, number: int, seed: int, count: int | None = None) -> Path:
    """Draw shard `number` of a collection, of `count` scenes (SHARD_SCENES), and save it; an existing one is kept.

    Every scene has the seed (seed, number, index): the same collection on every machine.
    """
    path = Path(folder) / f"scenes_{seed}_{number:04d}.npz"
    if path.exists():
        return path
    scenes = [random_scene(np.random.default_rng((seed, number, index))) for index in range(count or SHARD_SCENES)]

    def padded(name: str) -> np.ndarray:
        rows = np.zeros((len(scenes), MAX_LABELS), getattr(scenes[0], name).dtype)
        for row, scene in zip(rows, scenes):
            values = getattr(scene, name)
            row[: len(values)] = values
        return rows

    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with open(temporary, "wb") as file:
        np.savez_compressed(
            file,
            labels=np.stack([scene.labels for scene in scenes]),
            count=np.array([len(scene.parent) for scene in scenes]),
            tissue=padded("tissue"),
            parent=padded("parent"),
            target=padded("target"),
        )
    os.replace(temporary, path)
    return path


def make_shards(
    folder: Path,
    seed: int,
    shards: int,
    processes: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Make all missing shards 0 … shards - 1 of a collection; returns their paths in order."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    # Not forked: a child of a process whose torch threads have run waits for them for ever.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        pending = [pool.submit(make_shard, folder, number, seed, SHARD_SCENES) for number in range(shards)]
        for done, result in enumerate(pending, 1):
            paths.append(result.result())
            if progress is not None:
                progress(done, shards)
    return paths


class SceneStore:
    """The scenes of some shards, in memory (64 KiB each): len(store), store[i]."""

    def __init__(self, paths: list[Path]) -> None:
        parts = []
        for path in paths:
            with np.load(path) as file:
                parts.append({name: file[name] for name in file.files})
        self._arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def __len__(self) -> int:
        return len(self._arrays["count"])

    def __getitem__(self, index: int) -> Scene:
        n = int(self._arrays["count"][index])
        return Scene(
            self._arrays["labels"][index],
            *(self._arrays[name][index, :n] for name in ("tissue", "parent", "target")),
        )
