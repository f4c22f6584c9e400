"""Commands are tested with a model folder of their own, so that nothing depends on what this machine has downloaded."""

import pytest


@pytest.fixture(autouse=True)
def model_folder(tmp_path_factory, monkeypatch):
    """An empty model folder: the default model is then the demo model."""
    folder = tmp_path_factory.mktemp("models")
    monkeypatch.setenv("MEDXAI_MODELS", str(folder))
    return folder
