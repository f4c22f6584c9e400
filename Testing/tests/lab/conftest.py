"""What several test files of the lab share: the demo model, and a cohort that was evaluated once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_limits

from medxai.cli.main import main
from medxai.models.loading import LoadedModel, load_model
from support.data_sets import COHORT_CASES, COHORT_OPTIONS, InlineSlot, write_flare22


@pytest.fixture(scope="session")
def demo() -> LoadedModel:
    return load_model("demo")


@pytest.fixture
def threads() -> Iterator[None]:
    """A worker without a process of its own sets this process's threads; other tests want them back."""
    before = torch.get_num_threads()
    with threadpool_limits(before):
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def flare22(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good scans of one case each, and a volume in their middle that was cut off in a transfer."""
    folder = tmp_path_factory.mktemp("flare22")
    write_flare22(folder, COHORT_CASES + 1)
    broken = folder / "images" / "FLARE22_Tr_0004_0000.nii.gz"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    return folder


@pytest.fixture(scope="session")
def undisturbed(flare22: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of that cohort, evaluated in one go in this process; tests only read it."""
    pytest.importorskip("pyarrow", reason="needs the extra 'lab'")
    pytest.importorskip("statsmodels", reason="needs the extra 'lab'")
    output, before = tmp_path_factory.mktemp("undisturbed"), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(before):
        patch.setattr("medxai_lab.cohort.slots.LocalSlot", InlineSlot)
        assert main(["evaluate", str(flare22), "--output", str(output), *COHORT_OPTIONS]) == 0
    torch.set_num_threads(before)
    return output
