"""A plug-in folder with one explainer, and processes that have it."""

import os
import subprocess
import sys
from pathlib import Path

from support.scans import ROOT

TOY_EXPLAINER = '''
"""How bright a pixel is: an explainer that a user dropped into a folder."""

from dataclasses import dataclass

from medxai.explainers.base import Explainer
from medxai.explainers.registry import register
from medxai.maps import Role
from medxai.progress import RunControl


@register
@dataclass(frozen=True)
class Toy(Explainer):
    """The model input itself."""

    key = "toy"
    title = "Toy brightness"
    sentence = "How bright a pixel is."
    role = Role.COMPARISON

    def explain(self, case, control=RunControl()):
        return (self.saliency(case.result.prepared.model_input.tensor_chw[0]),)
'''


def folder_with_toy_explainer(folder: Path) -> Path:
    """A folder for MEDXAI_PLUGINS, made in `folder`."""
    (folder / "plugins" / "explainers").mkdir(parents=True)
    (folder / "plugins" / "explainers" / "toy.py").write_text(TOY_EXPLAINER, encoding="utf-8")
    return folder / "plugins"


def run_with_plugins(plugins: Path, *arguments: object) -> str:
    """What a new Python process prints that has the plug-ins. Fails where its exit status is not 0."""
    path = os.pathsep.join(str(ROOT / name) for name in ("MedXAI", "Testing"))
    environment = {**os.environ, "MEDXAI_PLUGINS": str(plugins), "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
