import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from skinkeras.files.writing import replacing, write_bytes, write_json, write_text


def names(folder):
    return sorted(os.listdir(folder))


def test_written_text_is_read_back_unchanged_and_alone(tmp_path):
    path = tmp_path / "new" / "folder" / "card.md"
    write_text(path, "Größe\r\nzwei\n")
    assert path.read_bytes() == "Größe\r\nzwei\n".encode()
    assert names(path.parent) == ["card.md"]


def test_an_existing_file_is_replaced(tmp_path):
    write_bytes(tmp_path / "a.bin", b"old and longer")
    write_bytes(tmp_path / "a.bin", b"new")
    assert (tmp_path / "a.bin").read_bytes() == b"new"


def test_permissions_are_those_of_any_new_file(tmp_path):
    write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_temporary_path_has_the_suffix_and_the_folder_of_the_target(tmp_path):
    with replacing(tmp_path / "model.keras") as temporary:
        assert temporary.suffix == ".keras"
        assert temporary.parent == tmp_path
        assert temporary.name != "model.keras"
        temporary.write_bytes(b"x")
    assert names(tmp_path) == ["model.keras"]


def test_a_failing_block_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError, match="half way"), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError("half way")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_full_disk_on_a_real_file_system(tiny_disk):
    write_text(tiny_disk / "a.txt", "old")
    with pytest.raises(OSError) as caught:
        write_bytes(tiny_disk / "a.txt", b"x" * 200_000)
    assert caught.value.errno == errno.ENOSPC
    assert str(tiny_disk / "a.txt") in str(caught.value)
    assert (tiny_disk / "a.txt").read_text() == "old"
    assert names(tiny_disk) == ["a.txt"]


def test_full_disk_is_one_sentence_that_names_the_file(tmp_path, monkeypatch):
    def write_half(self, data):
        with open(self, "wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError) as caught:
        write_json(tmp_path / "metrics.json", {"n": 3})
    assert str(caught.value) == (
        f"Could not write {tmp_path / 'metrics.json'}: No space left on device; "
        "free some space and run it again."
    )
    assert caught.value.errno == errno.ENOSPC
    assert names(tmp_path) == []


def test_a_file_in_place_of_the_folder_is_reported_with_the_target(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(OSError, match=r"Could not write .*runs/a/card\.md: "):
        write_text(tmp_path / "runs" / "a" / "card.md", "x")


def test_json_holds_dataclasses_numpy_values_and_paths(tmp_path):
    @dataclass
    class Result:
        auc: float
        matrix: tuple

    write_json(
        tmp_path / "a.json",
        {
            "r": Result(0.5, ((1, 2), (3, 4))),
            "n": np.int64(3),
            "x": np.float32(0.25),
            "v": np.arange(2),
            "p": Path("a/b"),
        },
    )
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "r": {"auc": 0.5, "matrix": [[1, 2], [3, 4]]},
        "n": 3,
        "x": 0.25,
        "v": [0, 1],
        "p": "a/b",
    }


def test_json_refuses_nan_and_unknown_objects_before_it_writes(tmp_path):
    with pytest.raises(ValueError, match=r"a\.json: it would hold a NaN"):
        write_json(tmp_path / "a.json", {"auc": float("nan")})
    with pytest.raises(TypeError, match="object"):
        write_json(tmp_path / "a.json", {"auc": object()})
    assert names(tmp_path) == []
