"""Runs the notebooks of the documentation and keeps what they show:

.venv/bin/python Resources/docs/run_notebooks.py
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
NOTEBOOKS = tuple(sorted(FOLDER.glob("*.ipynb")))


def executed(path: Path, timeout_s: int = 600) -> nbformat.NotebookNode:
    """The notebook run from its first cell to its last in this Python. Raises CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    code = str(FOLDER.parents[1] / "MedXAI")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (code, os.environ.get("PYTHONPATH"))))}
    client = NotebookClient(notebook, timeout=timeout_s, kernel_name="python3", coalesce_streams=True)
    client.resources["metadata"] = {"path": str(FOLDER)}
    client.execute(env=environment)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})  # times of execution would change the file at every run
    notebook.metadata["language_info"] = nbformat.from_dict({"name": "python"})
    return notebook


def main() -> None:
    for path in NOTEBOOKS:
        nbformat.write(executed(path), path)
        print(f"Written: {path.name}, {path.stat().st_size / 1000:.0f} kB.")


if __name__ == "__main__":
    sys.exit(main())
