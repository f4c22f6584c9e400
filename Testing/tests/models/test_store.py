"""Where weights live on every system: in the folders of earlier versions, so that weights are found again."""

import sys
from pathlib import Path

import platformdirs.macos
import platformdirs.unix
import platformdirs.windows
import pytest

from medxai.models.store import default_folder


def test_the_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("MEDXAI_MODELS", str(tmp_path / "weights"))
    assert default_folder() == tmp_path / "weights"


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME belongs to Linux")
def test_on_linux_the_cache_folder_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("MEDXAI_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "medxai" / "models"


@pytest.mark.parametrize(
    ("platform", "folders", "expected"),
    [
        ("linux", platformdirs.unix.Unix, ".cache/medxai/models"),
        ("darwin", platformdirs.macos.MacOS, "Library/Caches/MedXAI/models"),
        ("win32", platformdirs.windows.Windows, "AppData/Local/MedXAI/models"),
    ],
)
def test_every_system_keeps_the_folder_of_earlier_versions(monkeypatch, platform, folders, expected):
    for name in ("MEDXAI_MODELS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", lambda name: str(Path.home() / "AppData" / "Local"))
    monkeypatch.setattr(platformdirs, "PlatformDirs", folders)
    monkeypatch.setattr(sys, "platform", platform)
    assert Path(default_folder().as_posix().replace("\\", "/")) == Path.home() / expected
