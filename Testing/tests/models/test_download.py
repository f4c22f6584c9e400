"""Downloads over a real HTTP server on this machine: resumed, cancelled, checked, whole or not at all."""

import hashlib
import http.server
import threading
from dataclasses import replace

import pytest

from medxai.errors import Cancelled, DownloadError
from medxai.models.download import download, verify
from medxai.models.registry import registered
from medxai.models.store import ModelStore
from medxai.progress import RunControl

CONTENT = bytes(range(256)) * 12_000  # 3 MB


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; honours Range; breaks off in the middle of the first answers if the server says so."""

    def do_GET(self):
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        self.server.starts.append(start)
        if start >= len(CONTENT):
            self.send_response(416)
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        body = CONTENT[start:]
        if self.server.breaks:
            self.server.breaks -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.starts, server.breaks = [], 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def entry(server):
    source = f"http://127.0.0.1:{server.server_port}/weights.pth"
    return replace(
        registered("sam-vit-b"),
        file_name="weights.pth",
        sources=(source,),
        size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        md5=hashlib.md5(CONTENT).hexdigest(),
    )


def test_a_download_arrives_whole_with_progress_and_once(server, entry, tmp_path):
    seen, store = [], ModelStore(tmp_path / "models")
    result = download(entry, store, RunControl(lambda _step, done, total: seen.append((done, total))))
    assert result.path.read_bytes() == CONTENT
    assert result.checked_against == "SHA-256"
    assert result.source == entry.sources[0]
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    download(entry, store)
    assert len(server.starts) == 1
    assert verify(entry, store).sha256 == entry.sha256


def test_a_broken_download_goes_on_where_it_stopped(server, entry, tmp_path):
    server.breaks = 1
    store = ModelStore(tmp_path)
    with pytest.raises(DownloadError, match="broke"):
        download(entry, store)
    assert not store.has(entry)
    assert download(entry, store).path.read_bytes() == CONTENT
    assert server.starts[0] == 0
    assert server.starts[1] > 1_000_000


def test_a_cancelled_download_leaves_no_checkpoint_and_goes_on_later(server, entry, tmp_path):
    store, asked = ModelStore(tmp_path), []
    with pytest.raises(Cancelled):
        download(entry, store, RunControl(is_cancelled=lambda: len(asked) > 1 or asked.append(1)))
    assert not store.has(entry)
    assert download(entry, store).path.read_bytes() == CONTENT
    assert server.starts[1] > 0


def test_a_file_that_is_not_the_published_one_is_thrown_away(server, entry, tmp_path):
    store = ModelStore(tmp_path)
    with pytest.raises(DownloadError, match="not the published file"):
        download(replace(entry, sha256="0" * 64), store)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_checkpoint_does_not_verify(server, entry, tmp_path):
    store = ModelStore(tmp_path)
    path = download(entry, store).path
    path.write_bytes(b"x" + CONTENT[1:])
    with pytest.raises(DownloadError, match="not the published file"):
        verify(entry, store)


@pytest.mark.parametrize("held", [b"x" + CONTENT[1:], CONTENT[:1000]])
def test_a_file_that_is_not_the_published_one_is_replaced_by_it(server, entry, tmp_path, held):
    store, path = ModelStore(tmp_path), tmp_path / "weights.pth"
    path.write_bytes(held)
    with pytest.raises(DownloadError):
        download(replace(entry, sources=("http://127.0.0.1:9/weights.pth",)), store)
    assert path.read_bytes() == held  # whole or not at all
    assert download(entry, store).source == entry.sources[0]
    assert path.read_bytes() == CONTENT


def test_where_only_an_md5_is_published_it_is_compared(server, entry, tmp_path):
    entry = replace(entry, sha256=None)
    path = download(entry, ModelStore(tmp_path)).path
    assert verify(entry, ModelStore(tmp_path)).checked_against == "MD5"
    path.write_bytes(b"x" + CONTENT[1:])
    with pytest.raises(DownloadError, match="not the published file"):
        verify(entry, ModelStore(tmp_path))


def test_the_next_source_is_tried_and_a_dead_network_says_where_to_get_the_file(server, entry, tmp_path):
    dead = "http://127.0.0.1:9/weights.pth"
    both = replace(entry, sources=(dead, *entry.sources))
    assert download(both, ModelStore(tmp_path / "a")).path.read_bytes() == CONTENT
    with pytest.raises(DownloadError, match=r"weights\.pth from https"):
        download(replace(entry, sources=(dead,)), ModelStore(tmp_path / "b"))


def test_a_file_put_there_by_hand_needs_no_network(entry, tmp_path):
    (tmp_path / "weights.pth").write_bytes(CONTENT)
    offline = replace(entry, sources=("http://127.0.0.1:9/weights.pth",))
    assert download(offline, ModelStore(tmp_path)).sha256 == entry.sha256
