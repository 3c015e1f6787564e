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
