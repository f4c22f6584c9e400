"""What Slicer's Extensions Index looks at, in its own checks and in its list for tier 3, as far as a file can show it.

The checks of the index are those of its repository (scripts/check_description_files.py, of 2026-08); what needs a network (the
topic of the repository, that the addresses answer) is left to them.
"""

import ast
import json
import re
import struct
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from support.scans import ROOT

CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PRIVACY = (ROOT / "Resources" / "docs" / "privacy.md").read_text(encoding="utf-8")
PANEL_PAGE = (ROOT / "Resources" / "docs" / "panel.md").read_text(encoding="utf-8")
ENTRY = json.loads((ROOT / "MedXAI.json").read_text(encoding="utf-8"))
#: Of the index, in MB, history included; and of what Slicer's users download.
REPOSITORY_LIMIT_MB, PACKAGE_LIMIT_MB = 100, 20
#: What the schema of an entry knows; the first three have to be there.
KEYS = ["$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies", "build_subdirectory"]
NETWORK = {"urllib", "http", "socket", "ssl", "ftplib", "smtplib", "requests", "httpx", "aiohttp", "websockets"}
ONLY_ON_UNIX = {"fcntl", "resource", "pwd", "grp", "termios", "posix"}


def cmake(name: str) -> str:
    return re.search(rf'set\({name} "([^"]*)"\)', CMAKE)[1]


def tracked(folder: str = ".") -> list[Path]:
    done = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def size_mb(files: list[Path]) -> float:
    return sum(file.stat().st_size for file in files) / 1e6


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


def test_the_entry_has_what_its_schema_asks_for_and_nothing_else() -> None:
    assert set(ENTRY) <= {*KEYS, "enabled", "tier"} and set(KEYS[:3]) <= set(ENTRY)
    assert isinstance(ENTRY["tier"], int) and 1 <= ENTRY["tier"] <= 5
    assert b"\r" not in (ROOT / "MedXAI.json").read_bytes()


def test_names_are_as_the_index_wants_them_and_the_same_everywhere() -> None:
    assert re.search(r"project\((\w+)\)", CMAKE)[1] == "MedXAI" and not "MedXAI".lower().startswith("slicer")
    assert re.fullmatch(r"https://github\.com/\w+/Slicer\w*MedXAI\.git", ENTRY["scm_url"])
    assert cmake("EXTENSION_HOMEPAGE") == ENTRY["scm_url"].removesuffix(".git")
    assert ENTRY["build_dependencies"] == cmake("EXTENSION_DEPENDS").split()


def test_the_module_is_in_the_category_of_the_entry() -> None:
    module = (ROOT / "MedXAI" / "MedXAI.py").read_text(encoding="utf-8")
    assert f'translate("qSlicerAbstractCoreModule", "{ENTRY["category"]}")' in module


@pytest.mark.parametrize("variable", ["EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS"])
def test_icon_and_screenshots_are_raw_addresses_of_pictures_that_are_here(variable: str) -> None:
    prefix = cmake("EXTENSION_HOMEPAGE").replace("https://github.com", "https://raw.githubusercontent.com") + "/main/"
    urls = cmake(variable).split()
    assert urls
    for url in urls:
        assert url.startswith(prefix) and url.endswith(".png")
        picture = ROOT / url.removeprefix(prefix)
        assert picture in tracked() and picture.read_bytes().startswith(b"\x89PNG"), url


def test_icons_are_128_pixels_square() -> None:
    for icon in (ROOT / "MedXAI.png", ROOT / "MedXAI" / "Resources" / "Icons" / "MedXAI.png"):
        assert struct.unpack(">II", icon.read_bytes()[16:24]) == (128, 128)


def test_the_description_is_short_says_what_it_is_for_and_promises_nothing() -> None:
    text = cmake("EXTENSION_DESCRIPTION")
    assert 1 <= len(re.findall(r"\.(?:\s|$)", text)) <= 3 and len(text) < 300
    assert "MedSAM" in text and "not that the model is right" in text


def test_the_licence_lies_in_the_root_and_is_named_on_the_homepage() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache-2.0" in README.partition("## Licence")[2]


def test_the_homepage_has_name_picture_module_citation_and_a_first_sentence() -> None:
    first = README.partition("\n\n![")[2].partition("\n\n")[2].partition("\n\n")[0]
    assert README.startswith("# MedXAI") and first.startswith("MedXAI shows")
    assert re.search(r"!\[[^]]+\]\(Resources/\S+\.png\)", README)
    assert re.search(r"module \*MedXAI\* \(category Segmentation\)", README)
    cite = re.search(r"^## How to cite$(.*?)^## ", README, re.M | re.S)[1]
    assert "doi.org" in cite and "CITATION.cff" in cite


def test_the_tutorial_is_step_by_step_has_screenshots_and_says_where_its_data_come_from() -> None:
    steps = re.findall(r"^\d\. ", PANEL_PAGE, re.M)
    assert len(steps) >= 6 and PANEL_PAGE.count("![") >= 3
    assert "**Sample Data** module" in PANEL_PAGE and "nothing is downloaded" in PANEL_PAGE


def test_the_eleven_questions_for_ai_extensions_are_answered() -> None:
    part = PRIVACY.partition("## The questions of Slicer's Extensions Index")[2]
    assert re.findall(r"^(\d+)\. \*", part, re.M) == [str(number) for number in range(1, 12)]
    for anchor in re.findall(r"SlicerMedXAI#([\w-]+)", part):
        headings = [title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", README, re.M)]
        assert anchor in headings, f"the answer points to #{anchor}, which the README does not have"


def test_nothing_speaks_to_the_network_but_the_download_of_weights() -> None:
    speaking = {path.name for path in tracked("MedXAI") if path.suffix == ".py" and imports_of(path) & NETWORK}
    assert speaking == {"download.py"}
    source = (ROOT / "MedXAI" / "medxai" / "models" / "download.py").read_text(encoding="utf-8")
    assert not re.search(r"method=.(POST|PUT)|\bdata=", source), "a download sends nothing"


def test_pytorch_never_comes_by_pip() -> None:
    for name in ("requirements.txt", "requirements-openvino.txt", "requirements-dicom.txt"):
        lines = (ROOT / "MedXAI" / "Resources" / name).read_text(encoding="utf-8").splitlines()
        packages = {re.split(r"[<>=~!\[ ]", line)[0].lower() for line in lines if line and not line.startswith("#")}
        assert not packages & {"torch", "torchvision", "pytorch"}


def test_no_code_runs_when_the_module_is_imported() -> None:
    tree = ast.parse((ROOT / "MedXAI" / "MedXAI.py").read_text(encoding="utf-8"))
    allowed = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef)
    others = [node for node in tree.body[1:] if not isinstance(node, allowed)]
    assert others == [] and isinstance(tree.body[0], ast.Expr)


def test_repository_and_package_are_small() -> None:
    assert size_mb(tracked()) < REPOSITORY_LIMIT_MB / 2  # the rest is history
    assert size_mb(tracked("MedXAI")) < PACKAGE_LIMIT_MB


def test_every_file_can_be_on_windows() -> None:
    names = [str(path.relative_to(ROOT)) for path in tracked()]
    for name in names:
        parts = name.split("/")
        assert not re.search(r'[<>:"\\|?*]', name) and not any(part.endswith((".", " ")) for part in parts), name
        assert not any(re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", part.lower()) for part in parts), name
        assert len(name) < 140, f"{name} is too long under a deep folder"
    twice = [name for name, count in Counter(name.lower() for name in names).items() if count > 1]
    assert twice == [], "on Windows these are one file"


def test_the_package_imports_nothing_that_only_unix_has() -> None:
    for path in tracked("MedXAI"):
        if path.suffix == ".py":
            assert not imports_of(path) & ONLY_ON_UNIX, path


def test_text_is_read_and_written_with_a_named_encoding() -> None:
    """On Windows the default is another one, and an organ's name or a patient's would be read wrong."""
    for path in tracked("MedXAI"):
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("read_text", "write_text"):
                positional = len(node.args) > (node.func.attr == "write_text")
                assert positional or any(k.arg == "encoding" for k in node.keywords), f"{path.name}:{node.lineno}"
