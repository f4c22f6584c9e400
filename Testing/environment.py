"""Makes the project's environment in .venv: a CPU build of PyTorch where there is no NVIDIA card, then MedXAI itself.

    python3 Testing/environment.py            what the commands of MedXAI need
    python3 Testing/environment.py --tests    that and what the tests need

PyPI's own Linux build of torch brings several GB of CUDA, so on a machine without a card the CPU build is asked for by
its exact name: first from whatever sources pip is set up with (a hospital's mirror), then from PyTorch's.
"""

import argparse
import importlib.util
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TORCH = "2.13.0"
PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tests", action="store_true", help="also install what the tests need")
    arguments = parser.parse_args()
    if sys.version_info[:2] not in ((3, 11), (3, 12)):
        return _fail(
            f"MedXAI needs Python 3.11 or 3.12, and this is {platform.python_version()}; run this script with one of those."
        )
    if importlib.util.find_spec("ensurepip") is None:
        return _fail(
            "This Python has no ensurepip, so it cannot make an environment; install your system's python3-venv package."
        )
    python = _python()
    if not python.exists():
        print(f"Making {VENV} …", flush=True)
        venv.create(VENV, with_pip=True)
    if not _has_torch(python) and not _install_torch(python):
        return _fail(
            f"No CPU build of torch {TORCH} could be fetched for Python {platform.python_version()}, and the one from PyPI would bring CUDA; "
            f"check the connection to {PYTORCH_CPU_INDEX}, or install torch into {VENV} yourself and run this again."
        )
    extras = "scene,lab,comparison,test" if arguments.tests else "scene"
    print("Installing MedXAI …", flush=True)
    return _pip(python, "--editable", f"{ROOT}[{extras}]", f"torch=={_torch_version(python)}")


def _python() -> Path:
    return VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _has_torch(python: Path) -> bool:
    return subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0


def _torch_version(python: Path) -> str:
    return subprocess.check_output([python, "-c", "import torch; print(torch.__version__)"], text=True).strip()


def _install_torch(python: Path) -> bool:
    print(f"Installing PyTorch {TORCH} …", flush=True)
    if sys.platform != "linux" or shutil.which("nvidia-smi") or platform.machine() != "x86_64":
        return _pip(python, f"torch=={TORCH}") == 0
    return (
        _pip(python, f"torch=={TORCH}+cpu", quiet=True) == 0
        or _pip(python, "--retries", "1", "--timeout", "20", "--index-url", PYTORCH_CPU_INDEX, f"torch=={TORCH}") == 0
    )


def _pip(python: Path, *what: str, quiet: bool = False) -> int:
    # Compiling everything beforehand takes a minute and a half; Python compiles what is imported when it is imported.
    command = [python, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", *what]
    return subprocess.run(command, stderr=subprocess.DEVNULL if quiet else None).returncode


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
