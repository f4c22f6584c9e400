"""One measurement in a process of its own, so that its memory and its allocator are its own; prints lines of JSON.

    python Testing/benchmarks/measure.py encoder CHECKPOINT CACHE WAY EMBEDDING
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
    """The most memory this process ever held; on Linux not from `getrusage`, which counts the parent's at the fork."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def encoder(checkpoint: Path, cache: Path, way: str, embedding: Path) -> None:
    """Prints peak memory of loading and of one encoding, whose embedding it saves; then, for every line that it reads,
    the seconds of one more encoding. A way that is not to be had prints the reason and ends."""
    model = subjects.load(checkpoint)
    loaded = peak_mb()
    image = subjects.image_for(model)
    encode, note = subjects.encode_by(way, model, cache)
    if encode is None:
        print(json.dumps({"note": note}), flush=True)
        return
    torch.save(encode(image), embedding)
    print(json.dumps({"loaded_mb": loaded, "peak_mb": peak_mb()}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(seconds_of(lambda: encode(image))), flush=True)


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


if __name__ == "__main__":
    what, checkpoint, *rest = sys.argv[1:]
    if what == "encoder":
        encoder(Path(checkpoint), Path(rest[0]), rest[1], Path(rest[2]))
    else:
        print(json.dumps(boxes(Path(checkpoint), int(rest[0]))))
