import tracemalloc
import zipfile

import pytest
from ai_edge_litert import schema_py_generated as schema

from skinkeras import tflite
from skinkeras.tflite.graph import pack, unpack


def metadata_buffers(model):
    entries = [model.Metadata(index) for index in range(model.MetadataLength())]
    return [entry.Buffer() for entry in entries if entry.Name() == b"TFLITE_METADATA"]


def test_labels_come_back_in_order(files):
    assert tflite.read_labels(files["int8"][0]) == ("benign", "malignant")


def test_metadata_come_back_as_they_were_given(files):
    info = tflite.ModelInfo("Small", "A test.", "skinkeras", "1.0", "Apache-2.0")
    expected = tflite.Metadata(info, ("benign", "malignant"), (64, 64), mean=0, std=1)
    assert tflite.read_metadata(files["int8"][0]) == expected


@pytest.mark.parametrize("kept", [0, 4, 40])
def test_a_file_with_labels_but_without_metadata_is_one_sentence(files, tmp_path, kept):
    model = unpack(files["float32"][0].read_bytes())
    (entry,) = (entry for entry in model.metadata if entry.name == b"TFLITE_METADATA")
    model.buffers[entry.buffer].data = model.buffers[entry.buffer].data[:kept]
    path = tmp_path / "bare.tflite"
    path.write_bytes(pack(model))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "benign\nmalignant\n")
    with pytest.raises(ValueError, match=r"bare\.tflite has no metadata of an image classifier"):
        tflite.read_metadata(path)


def test_the_label_file_is_a_stored_zip_member_as_android_expects(files):
    with zipfile.ZipFile(files["int8"][0]) as archive:
        (member,) = archive.infolist()
        assert (member.filename, member.compress_type) == ("labels.txt", zipfile.ZIP_STORED)
        assert archive.read(member) == b"benign\nmalignant\n"


def test_the_metadata_buffer_has_the_fields_of_the_published_schema(files):
    data = files["int8"][0].read_bytes()
    model = schema.Model.GetRootAs(data)
    (buffer,) = metadata_buffers(model)
    metadata = model.Buffers(buffer).DataAsNumpy().tobytes()
    assert metadata[4:8] == b"M001"
    for text in (b"Small", b"A test.", b"Apache-2.0", b"labels.txt"):
        assert text in metadata


def test_metadata_is_replaced_rather_than_doubled(files):
    data = files["float32"][0].read_bytes()
    info = tflite.ModelInfo("Renamed", "", "", "", "")
    again = tflite.add_metadata(data, ("a", "b"), info)
    assert len(metadata_buffers(schema.Model.GetRootAs(again))) == 1
    assert again == tflite.add_metadata(data, ("a", "b"), info)  # no date, no random order


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("benign",), "2 classes but 1 labels"),
        (("benign", "benign"), "different"),
        (("benign", ""), "not empty"),
        (("benign", "mel\nanoma"), "one line"),
    ],
)
def test_wrong_labels_are_refused(files, labels, message):
    with pytest.raises(ValueError, match=message):
        tflite.add_metadata(files["float32"][0].read_bytes(), labels, tflite.ModelInfo("", "", "", "", ""))


@pytest.mark.parametrize("kept", [0, 3, 100, 5000, -1, -30])
def test_a_file_that_is_cut_off_is_one_sentence(files, tmp_path, kept):
    path = tmp_path / "cut.tflite"
    path.write_bytes(files["int8"][0].read_bytes()[:kept])
    for use in (tflite.read_labels, tflite.Classifier, tflite.benchmark):
        with pytest.raises(ValueError, match=r"cut\.tflite is not a whole TensorFlow Lite file"):
            use(path)


def test_a_foreign_file_is_one_sentence(files, tmp_path):
    picture, archive = tmp_path / "picture.tflite", tmp_path / "archive.tflite"
    picture.write_bytes(b"\xff\xd8\xff\xe0 this is a JPEG")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("labels.txt", "benign\nmalignant\n")
    for path in (picture, archive):
        with pytest.raises(ValueError, match="of another origin"):
            tflite.Classifier(path)
    with pytest.raises(FileNotFoundError):
        tflite.Classifier(tmp_path / "missing.tflite")


def with_archive(files, path, content, **options):
    """A file whose labels are `content`, as zipfile writes them with these options."""
    path.write_bytes(pack(unpack(files["float32"][0].read_bytes())))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", content, **options)
    return path


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["deflate", "bzip2", "lzma"]
)
def test_labels_that_inflate_to_a_multiple_of_the_file_are_refused_and_not_inflated(files, tmp_path, method):
    path = with_archive(files, tmp_path / "bomb.tflite", b"a" * 100_000_000, compress_type=method)
    assert path.stat().st_size < 3_000_000
    tracemalloc.start()
    with pytest.raises(
        ValueError, match=r"bomb\.tflite is not a whole TensorFlow Lite file with embedded labels"
    ):
        tflite.read_labels(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000


def test_a_size_that_the_archive_lies_about_changes_nothing(files, tmp_path):
    path = with_archive(
        files, tmp_path / "bomb.tflite", b"a" * 50_000_000, compress_type=zipfile.ZIP_DEFLATED
    )
    data = path.read_bytes()
    size = (50_000_000).to_bytes(4, "little")
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, (9).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="is not a whole TensorFlow Lite file"):
        tflite.read_labels(path)


def test_an_encrypted_or_damaged_archive_is_one_sentence(files, tmp_path):
    path = with_archive(files, tmp_path / "x.tflite", b"a\nb\n" * 200, compress_type=zipfile.ZIP_DEFLATED)
    data = path.read_bytes()
    start = data.rindex(b"PK\x01\x02")
    local = data.rindex(b"PK\x03\x04")
    encrypted = bytearray(data)
    encrypted[start + 8] |= 1
    encrypted[local + 6] |= 1
    damaged = bytearray(data)
    damaged[local + 42] ^= 0xFF
    newer = bytearray(data)
    newer[start + 6] = 255
    for content in (encrypted, damaged, newer):
        path.write_bytes(bytes(content))
        with pytest.raises(ValueError, match="is not a whole TensorFlow Lite file"):
            tflite.read_labels(path)


@pytest.mark.parametrize("label", ["\x1b[31mred", "a\x00b", "a\tb", "a\x9bb"])
def test_labels_with_control_characters_are_neither_written_nor_read(files, tmp_path, label):
    with pytest.raises(ValueError, match="without control characters"):
        tflite.add_metadata(files["float32"][0].read_bytes(), ("benign", label), tflite.ModelInfo(*"abcde"))
    path = with_archive(files, tmp_path / "x.tflite", f"benign\n{label}\n")
    with pytest.raises(ValueError, match="has embedded labels with control characters") as refused:
        tflite.read_labels(path)
    assert str(refused.value).isprintable()
