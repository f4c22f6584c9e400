"""Writes the file lists of MedXAI/CMakeLists.txt from what git tracks: Slicer packages only what is listed there."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    listed = subprocess.check_output(["git", "ls-files", "MedXAI"], cwd=ROOT, text=True).split("\n")
    files = sorted(name.removeprefix("MedXAI/") for name in listed if name and not name.endswith("CMakeLists.txt"))
    build = ROOT / "MedXAI" / "CMakeLists.txt"
    text = build.read_text()
    for variable, wanted in (("MODULE_PYTHON_SCRIPTS", True), ("MODULE_PYTHON_RESOURCES", False)):
        lines = "".join(f"\n  {name}" for name in files if name.endswith(".py") is wanted)
        text = re.sub(rf"set\({variable}\s.*?\)", f"set({variable}{lines}\n  )", text, flags=re.DOTALL)
    build.write_text(text)


if __name__ == "__main__":
    main()
