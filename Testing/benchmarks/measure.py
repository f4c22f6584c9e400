"""One measurement in a process of its own, so that its peak memory is its own; prints a line of JSON.

    python Testing/benchmarks/measure.py times CHECKPOINT CACHE ROUNDS
    python Testing/benchmarks/measure.py memory CHECKPOINT CACHE WAY
    python Testing/benchmarks/measure.py boxes CHECKPOINT ROUNDS
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "MedXAI"))

import subjects  # noqa: E402 (needs the path above)
import torch  # noqa: E402


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_mb() -> float:
    """The most memory this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def gigaflops() -> float:
    """This machine's own matrix product, float32, 4096 × 768 by 768 × 3072: no way can be faster."""
    x, weight, out = torch.rand(4096, 768), torch.rand(768, 3072), torch.empty(4096, 3072)
    best = min(seconds_of(lambda: torch.mm(x, weight, out=out)) for _ in range(5))
    return 2 * 4096 * 768 * 3072 / best / 1e9


def times(checkpoint: Path, cache: Path, rounds: int) -> dict:
    """Seconds of every way, in turn in each round, and the error of its embedding."""
    model = subjects.load(checkpoint)
    image = subjects.image_for(model)
    encoders, notes = {}, {}
    for way in subjects.WAYS:
        encode, note = subjects.encode_by(way, model, cache)
        if encode:
            encoders[way] = encode
        else:
            notes[way] = note
    embeddings = {way: encode(image) for way, encode in encoders.items()}  # warms up, too
    seconds: dict[str, list[float]] = {way: [] for way in encoders}
    speeds = [gigaflops()]
    for _ in range(rounds):
        for way, encode in encoders.items():
            seconds[way].append(seconds_of(lambda encode=encode: encode(image)))
        speeds.append(gigaflops())
    plain = embeddings[subjects.PLAIN]
    errors = {way: float((found - plain).norm() / plain.norm()) for way, found in embeddings.items()}
    return {"seconds": seconds, "errors": errors, "notes": notes, "gigaflops": speeds, "threads": torch.get_num_threads()}


def memory(checkpoint: Path, cache: Path, way: str) -> dict:
    """Peak memory of loading and of the first encoding."""
    model = subjects.load(checkpoint)
    loaded = peak_mb()
    encode, _ = subjects.encode_by(way, model, cache)
    encode(subjects.image_for(model))
    return {"loaded_mb": loaded, "peak_mb": peak_mb()}


def boxes(checkpoint: Path, rounds: int) -> dict:
    """Loading, the first box of a slice, the next ones, and many together, each with segmentation and explanation."""
    loading = seconds_of(lambda: subjects.load(checkpoint))
    model = subjects.load(checkpoint)
    explainer, prepared, asked = subjects.slice_and_boxes(model)
    first = []
    for _ in range(rounds):
        explainer.cache.clear()
        first.append(seconds_of(lambda: explainer.explain(prepared, asked[:1])))
    one_box_mb = peak_mb()
    following = [seconds_of(lambda i=i: explainer.explain(prepared, asked[i : i + 1])) for i in range(len(asked))]
    together = [seconds_of(lambda: explainer.explain(prepared, asked)) for _ in range(rounds)]
    encoding, _ = explainer.encode(prepared)
    return {
        "load": loading, "first": first, "next": following, "together": together, "count": len(asked),
        "cache_mb": encoding.nbytes / 1e6, "one_box_mb": one_box_mb, "peak_mb": peak_mb(),
    }  # fmt: skip


def main(arguments: list[str]) -> dict:
    what, checkpoint, *rest = arguments
    if what == "times":
        return times(Path(checkpoint), Path(rest[0]), int(rest[1]))
    if what == "memory":
        return memory(Path(checkpoint), Path(rest[0]), rest[1])
    return boxes(Path(checkpoint), int(rest[0]))


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
