"""../shared/cases: scans with oddities that real files have, and the judgement whether `medxai explain` took them right.

The truth and its meaning are described in the README beside make_cases.py there.
"""

import gzip
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np

from .scans import ROOT

CASES = ROOT.parent / "shared" / "cases"
#: How far a pixel may lie from where it was cut.
PLACE_MM = 0.5


@dataclass(frozen=True)
class Outcome:
    """What the command did: its exit code, what it said, and where it wrote."""

    status: int
    stdout: str
    stderr: str
    folder: Path


def command_of(case: Path, output: Path) -> list[str]:
    """The arguments of `medxai` for a case; one layer will do, since it is the reading that is judged."""
    truth = truth_of(case)
    place = [] if truth["slice"] is None else ["--slice", str(truth["slice"])]
    model = str(case / truth["model"]) if truth.get("model") else "demo"
    return [
        *("explain", str(case / truth["input"]), "--plane", truth["plane"], *place, "--layers", "neck"),
        *("--box", *map(str, truth["box"]), "--model", model, "--output", str(output)),
    ]


def truth_of(case: Path) -> dict:
    return json.loads((case / "truth.json").read_text(encoding="utf-8"))


def faults(case: Path, outcome: Outcome) -> list[str]:
    """What is wrong with an outcome, in sentences; empty where it is right."""
    truth = truth_of(case)
    if "Traceback" in outcome.stderr:
        return ["a traceback"]
    if outcome.status != 0:
        return _faults_of_refusal(truth, outcome)
    record = json.loads((outcome.folder / "explanation.json").read_text(encoding="utf-8"))
    warned = any(_has_word(truth, text) for text in record["warnings"])
    if truth.get("or_warn") and warned:
        return []
    if truth["expected"] == "refuse":
        return [f"neither refused nor warned: {record['warnings']}"]
    return _faults_of_reading(truth, record, outcome.folder)


def _has_word(truth: dict, text: str) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(word)}", text, re.IGNORECASE) for word in truth["words"])


def _faults_of_refusal(truth: dict, outcome: Outcome) -> list[str]:
    found = []
    if truth["expected"] != "refuse" and not truth.get("or_refuse"):
        found.append("refused")
    lines = [line for line in outcome.stderr.splitlines() if line and not re.match("note:|warning:", line)]
    if len(lines) != 1 or not lines[0].startswith("medxai: ") or not 30 <= len(lines[0]) <= 700:
        found.append(f"not one clear sentence: {outcome.stderr!r}")
    elif not _has_word(truth, lines[0]):
        found.append(f"does not name the cause: {lines[0]}")
    if outcome.folder.exists() and any(outcome.folder.iterdir()):
        found.append("something was left in the output folder")
    return found


def _faults_of_reading(truth: dict, record: dict, folder: Path) -> list[str]:
    found = []
    modality = record["input"]["modality"]
    if modality != truth["modality"] and not (truth["modality"] == "PT" and modality != "CT"):
        found.append(f"modality {modality}")
    black, white = record["input"]["grey_lower"], record["input"]["grey_upper"]
    if not any(a <= black <= b and c <= white <= d for a, b, c, d in truth["grey"]):
        found.append(f"grey range {black} to {white} instead of {truth['grey']}")
    _, segmented = read_nrrd(folder / "segmentation.nrrd")
    expected = _slice_to_ras(truth)
    if expected is not None:
        apart = _furthest_apart(segmented, expected, record["input"]["slice_shape"], truth["plane"])
        if apart > PLACE_MM:
            found.append(f"the slice lies {apart:.1f} mm off")
    return found + _faults_of_scene(truth, folder / "scene.mrb")


def _slice_to_ras(truth: dict) -> np.ndarray | None:
    """(4, 4): (column, row, 0, 1) of the asked slice to RAS."""
    index = truth["slice"] or 0
    if "slices_ras" in truth:
        return np.array(truth["slices_ras"][index])
    if "affine_ras" not in truth:
        return None
    affine = np.array(truth["affine_ras"])
    through = {"axial": 2, "coronal": 1, "sagittal": 0}[truth["plane"]]
    columns = [axis for axis in range(3) if axis != through]
    return np.stack(
        [affine[:, columns[0]], affine[:, columns[1]], affine[:, through], affine[:, 3] + index * affine[:, through]], 1
    )


def _furthest_apart(written: np.ndarray, expected: np.ndarray, shape: list[int], plane: str) -> float:
    through = {"axial": 2, "coronal": 1, "sagittal": 0}[plane]
    first, second = (axis for axis in range(3) if axis != through)
    rows, columns = shape
    distances = []
    for row, column in ((0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)):
        voxel = np.array([0.0, 0.0, 0.0, 1.0])
        voxel[first], voxel[second] = column, row
        distances.append(np.linalg.norm((written @ voxel - expected @ [column, row, 0, 1])[:3]))
    return float(max(distances))


def _faults_of_scene(truth: dict, scene: Path) -> list[str]:
    with zipfile.ZipFile(scene) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    nodes = ElementTree.fromstring(next(v for name, v in content.items() if name.endswith(".mrml")))
    volumes = [node for node in nodes.iter("Volume") if "MedXAI" not in node.get("name", "")]
    storages = {node.get("id"): node.get("fileName") for node in nodes.iter("VolumeArchetypeStorage")}
    if len(volumes) != 1:
        return [f"{len(volumes)} volumes in the scene"]
    names = re.findall(r"vtkMRMLVolumeArchetypeStorageNode\w+", volumes[0].get("references", ""))
    file = unquote(storages[names[0]])
    voxels, affine = nrrd_of(
        next(v for name, v in content.items() if file.rpartition("/")[2] == name.rpartition("/")[2])
    )
    low, high = truth.get("shown", (0, 0))
    found = []
    for *place, value in truth.get("probes_ras", truth.get("probes_ijk", [])):
        ijk = np.array(place) if "probes_ijk" in truth else (np.linalg.inv(affine) @ [*place, 1])[:3]
        i, j, k = np.rint(ijk).astype(int)
        if not all(0 <= n < size for n, size in zip((k, j, i), voxels.shape, strict=True)):
            found.append(f"{place} lies outside the scene's volume")
        elif abs(np.clip(float(voxels[k, j, i]), low, high) - np.clip(value, low, high)) > 0.05 * (high - low):
            found.append(f"{voxels[k, j, i]} instead of {value} at {place}")
    return found[:3]


def read_nrrd(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels (K, J, I) and IJK to RAS of a NRRD file, read by its own text, so that sheared axes stay as they are."""
    return nrrd_of(path.read_bytes())


def nrrd_of(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    head, _, data = content.partition(b"\n\n")
    fields = dict(line.split(": ", 1) for line in head.decode("utf-8").splitlines() if ": " in line)
    kinds = {
        "short": "i2",
        "signed short": "i2",
        "int16": "i2",
        "unsigned short": "u2",
        "ushort": "u2",
        "uint16": "u2",
        "unsigned char": "u1",
        "uchar": "u1",
        "uint8": "u1",
        "float": "f4",
        "double": "f8",
        "int": "i4",
    }
    endian = {"little": "<", "big": ">"}[fields.get("endian", "little")]
    data = gzip.decompress(data) if fields["encoding"] in ("gzip", "gz") else data
    sizes = [int(n) for n in fields["sizes"].split()]
    voxels = np.frombuffer(data, endian + kinds[fields["type"]]).reshape(sizes[::-1])
    matrix = np.eye(4)
    vectors = re.findall(r"\(([^)]*)\)", fields["space directions"] + fields["space origin"])
    matrix[:3] = np.array([[float(v) for v in vector.split(",")] for vector in vectors]).T
    flip = np.diag([-1.0, -1.0, 1.0, 1.0]) if "left-posterior" in fields["space"] else np.eye(4)
    return voxels, flip @ matrix
