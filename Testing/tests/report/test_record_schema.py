"""explanation.json follows its published schema, whatever was explained, and the schema describes every field."""

import copy
import json

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError
from PIL import Image

from medxai.cli.main import main as medxai
from medxai.engine import Engine
from medxai.report import record
from medxai.request import ExplainRequest
from medxai.volume.volume import Modality, make_volume
from support.scans import ROOT

SCHEMA = json.loads((ROOT / "MedXAI/medxai/report/explanation.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def record_as_read(result, source=None):
    return json.loads(json.dumps(record.record_of(result, source), allow_nan=False))


@pytest.fixture(scope="module")
def of_ct(ct, model):
    request = ExplainRequest.of_slice(ct.volume, "axial", 15, model=model)
    return record_as_read(Engine().explain(request, [(30, 30, 70, 80)])[0], {"path": str(ct.path)})


def test_the_schema_is_one_and_names_itself():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == record.SCHEMA_ID
    assert record.SCHEMA_VERSION in SCHEMA["title"]
    assert record.SCHEMA_ID.endswith("MedXAI/medxai/report/explanation.schema.json")


def test_a_real_ct_and_its_source_are_valid(of_ct):
    VALIDATOR.validate(of_ct)
    assert of_ct["$schema"] == SCHEMA["$id"]


@pytest.mark.parametrize(("plane", "index"), [("axial", 10), ("coronal", 60), ("sagittal", 60)])
def test_a_real_mr_is_valid_in_every_plane(mr, model, plane, index):
    request = ExplainRequest.of_slice(mr.volume, plane, index, model=model)
    rows, columns = request.image.shape
    inside, outside = Engine().explain(
        request, [(5, 5, columns // 2, rows // 2), (columns // 2, rows // 2, 9999, 9999)]
    )
    VALIDATOR.validate(record_as_read(inside))
    VALIDATOR.validate(record_as_read(outside))
    assert record_as_read(outside)["input"]["box_was_clipped"]


def test_an_even_slice_whose_maps_say_nothing_is_valid(model):
    values = np.zeros((3, 40, 40), np.float32)
    values[:, 10:20, 10:20] = 100.0
    volume = make_volume("even", values, np.diag([1.0, 1.0, 2.0, 1.0]), Modality.CT)
    request = ExplainRequest.of_slice(volume, "axial", 1, model=model)
    VALIDATOR.validate(record_as_read(Engine().explain(request, [(25, 25, 35, 35)])[0]))


def test_a_picture_of_unknown_spacing_written_by_the_command_is_valid(tmp_path):
    rng = np.random.default_rng(3)
    Image.fromarray(rng.integers(0, 255, (64, 80), np.uint8)).save(tmp_path / "picture.png")
    command = ["explain", str(tmp_path / "picture.png"), "--box", "10", "10", "50", "40", "--model", "demo"]
    assert medxai([*command, "--output", str(tmp_path / "out")]) == 0
    written = json.loads((tmp_path / "out" / "explanation.json").read_text(encoding="utf-8"))
    VALIDATOR.validate(written)
    assert written["input"]["spacing_mm"] is None


def every_object(schema, path="record"):
    """Each part of a schema with its place."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from every_object(part, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from every_object(schema["items"], f"{path}[]")


def test_every_field_is_described_and_no_other_may_be_there():
    for path, part in every_object(SCHEMA):
        if not path.endswith("[]"):
            assert len(part.get("description", "")) > 5, f"{path} is not described"
        if "properties" in part:
            assert "additionalProperties" in part, f"{path} would take anything"


def without(path):
    def change(data):
        *parents, last = path.split(".")
        for name in parents:
            data = data[name]
        del data[last]

    return change


@pytest.mark.parametrize(
    "break_it",
    [
        without("limits"),
        without("input.box_first_last_px"),
        without("metrics.effective_area.stage2"),
        without("timings_s.segment"),
        lambda data: data.update(figures={}),
        lambda data: data["input"].update(spacing_mm=[1.0, 1.0]),
        lambda data: data["input"].update(plane="transverse"),
        lambda data: data["metrics"].update(mask_share_of_slice=1.5),
        lambda data: data.update(schema_version="2.0"),
        lambda data: data["layers"].clear(),
        lambda data: data["model"].update(input_size_px="256"),
    ],
)
def test_a_record_that_breaks_the_schema_is_refused(of_ct, break_it):
    broken = copy.deepcopy(of_ct)
    break_it(broken)
    with pytest.raises(ValidationError):
        VALIDATOR.validate(broken)
