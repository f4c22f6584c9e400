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

#: Scenes in a shard's file.
SHARD_SCENES = 250


def shard_path(folder: Path, number: int, seed: int) -> Path:
    """Where a shard of a collection lies, or will lie."""
    return folder / f"scenes_{seed}_{number:04d}.npz"


def make_shard(folder: Path, number: int, seed: int, count: int | None = None) -> Path:
    """Draws a shard of a collection and saves it; an existing one is kept.

    Every scene has the seed (seed, number, index): the same collection on every machine.

    Args:
        folder: where the file goes.
        number: of the shard.
        seed: of the collection.
        count: of the scenes, SHARD_SCENES where it is None.

    Returns:
        The file's path.
    """
    path = shard_path(folder, number, seed)
    if path.exists():
        return path
    scenes = [random_scene(np.random.default_rng((seed, number, index))) for index in range(count or SHARD_SCENES)]

    def padded(name: str) -> np.ndarray:
        rows = np.zeros((len(scenes), MAX_LABELS), getattr(scenes[0], name).dtype)
        for row, scene in zip(rows, scenes, strict=True):
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
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Makes all missing shards of a collection.

    Args:
        folder: where the files lie; it is made where it is missing.
        seed: of the collection.
        shards: how many shards it has.
        processes: how many to make at once; with 1 no other process is started.
        progress: is told how many shards there are and how many there will be, after each that is made.

    Returns:
        The paths of the shards 0 … shards - 1.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [shard_path(folder, number, seed) for number in range(shards)]
    missing = [number for number, path in enumerate(paths) if not path.exists()]
    if missing and processes == 1:
        for done, number in enumerate(missing, shards - len(missing) + 1):
            make_shard(folder, number, seed, SHARD_SCENES)
            progress(done, shards)
    elif missing:
        # Not forked: a child of a process whose torch threads have run waits for them without end.
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            pending = [pool.submit(make_shard, folder, number, seed, SHARD_SCENES) for number in missing]
            for done, result in enumerate(pending, shards - len(missing) + 1):
                result.result()
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
