"""Writes the file lists of MedXAI/CMakeLists.txt from what git tracks: Slicer packages only what is listed there."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


#: Not in Slicer: the laboratory and the command line cannot be reached from the panel or the console.
NOT_FOR_SLICER = ("MedXAI/CMakeLists.txt", "MedXAI/medxai_lab/", "MedXAI/medxai/cli/")


def is_for_slicer(name: str) -> bool:
    """Whether a tracked file under MedXAI/ goes into the extension's package."""
    return name.startswith("MedXAI/") and not name.startswith(NOT_FOR_SLICER)


def main() -> None:
    listed = subprocess.check_output(["git", "ls-files", "MedXAI"], cwd=ROOT, text=True).split("\n")
    files = sorted(name.removeprefix("MedXAI/") for name in listed if is_for_slicer(name))
    build = ROOT / "MedXAI" / "CMakeLists.txt"
    text = build.read_text()
    for variable, wanted in (("MODULE_PYTHON_SCRIPTS", True), ("MODULE_PYTHON_RESOURCES", False)):
        lines = "".join(f"\n  {name}" for name in files if name.endswith(".py") is wanted)
        text = re.sub(rf"set\({variable}\s.*?\)", f"set({variable}{lines}\n  )", text, flags=re.DOTALL)
    build.write_text(text)


if __name__ == "__main__":
    main()
