"""Labels and a description inside a .tflite file, as Android's tools read them.

A file carries a `ModelMetadata` flatbuffer as its buffer "TFLITE_METADATA", and the files that it refers to
as a zip archive behind the model. The numbers below are those of the fields in the schema:
https://github.com/tensorflow/tflite-support/blob/master/tensorflow_lite_support/metadata/metadata_schema.fbs
"""

import io
import os
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import flatbuffers
import flatbuffers.table
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import number_types

from skinkeras.files.reading import read_bytes
from skinkeras.tflite.contract import is_class_name
from skinkeras.tflite.graph import pack, unpack

LABELS_FILE = "labels.txt"
_BUFFER_NAME = b"TFLITE_METADATA"
_IDENTIFIER = b"M001"
_MOST_LABEL_BYTES = 2**20
_MOST_MODEL_BYTES = 2**30  # as in `contract.schema.json`
# What zipfile raises beside BadZipFile: encrypted, an unknown version, bytes that do not inflate or are missing.
_DAMAGED_ZIP = (RuntimeError, NotImplementedError, zlib.error, EOFError, OSError, struct.error)

_TENSOR_AXIS_LABELS = 2  # AssociatedFileType
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = 1, 2  # ContentProperties
_NORMALIZATION_OPTIONS = 1  # ProcessUnitOptions
_RGB = 1  # ColorSpaceType


@dataclass(frozen=True)
class ModelInfo:
    """What a file says about itself to people."""

    name: str
    description: str
    author: str
    version: str
    licence: str


def add_metadata(model: bytes, labels: Sequence[str], info: ModelInfo) -> bytes:
    """Adds labels, description and preprocessing to a converted model.

    The preprocessing that is declared is mean 0 and standard deviation 1 on pixels 0..255: the
    normalisation is inside the model, and nothing is left for the app to do.

    Args:
        model: flatbuffer from `convert`, with one image input and one output (1, classes).
        labels: one name for each class, in the order of the output.
        info: what the file says about itself.

    Returns:
        The bytes of the complete file.

    Raises:
        ValueError: the number of labels is not that of the classes, or a label is empty, repeated or has
            two lines.
    """
    unpacked = unpack(model)
    subgraph = unpacked.subgraphs[0]
    _, height, width, _ = subgraph.tensors[subgraph.inputs[0]].shape
    _check_labels(labels, int(subgraph.tensors[subgraph.outputs[0]].shape[-1]))

    unpacked.metadata = [entry for entry in unpacked.metadata or [] if entry.name != _BUFFER_NAME]
    entry = schema.MetadataT()
    entry.name, entry.buffer = _BUFFER_NAME, len(unpacked.buffers)
    unpacked.metadata.append(entry)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(_model_metadata(info, int(height), int(width)), np.uint8)
    unpacked.buffers.append(buffer)

    file = io.BytesIO(pack(unpacked))
    with zipfile.ZipFile(file, "a") as archive:  # stored, not deflated: Android maps it
        # A fixed date, so that equal models give equal files.
        archive.writestr(zipfile.ZipInfo(LABELS_FILE), "".join(f"{label}\n" for label in labels))
    return file.getvalue()


def read_labels(path: str | os.PathLike) -> tuple[str, ...]:
    """The labels embedded in a .tflite file, in the order of its output.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no TensorFlow Lite model, is cut off or larger than 1 GiB, or has no labels, more than
            a megabyte of them, or some with control characters. Because the labels stand at the file's end, any cut
            is noticed here.
    """
    data = read_bytes(path, _MOST_MODEL_BYTES)
    try:
        unpack(data)
        text = _member(data, LABELS_FILE).decode()
    except (ValueError, KeyError, zipfile.BadZipFile, *_DAMAGED_ZIP) as error:
        raise ValueError(
            f"{path} is not a whole TensorFlow Lite file with embedded labels; "
            "it may be cut off or of another origin."
        ) from error
    labels = tuple(text.splitlines())
    if any(unicodedata.category(one) == "Cc" for label in labels for one in label):
        raise ValueError(f"{path} has embedded labels with control characters: {list(labels)!a:.200}.")
    return labels


def _member(data: bytes, name: str) -> bytes:
    """A file of the archive behind a model. What it inflates to is bounded, whatever the archive says."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo(name)
        # Python's other decompressors cannot be told where to stop.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile(f"{name} is compressed in a way that is not read.")
        with archive.open(info) as file:
            content = file.read(_MOST_LABEL_BYTES + 1)
    if len(content) > _MOST_LABEL_BYTES:
        raise zipfile.BadZipFile(f"{name} is larger than {_MOST_LABEL_BYTES} bytes.")
    return content


@dataclass(frozen=True)
class Metadata:
    """What is embedded in a file.

    Attributes:
        info: what it says about itself.
        labels: class names, in the order of the output.
        input_size: (height, width) in pixels.
        mean, std: what an app must subtract from, and divide by, each pixel 0..255.
    """

    info: ModelInfo
    labels: tuple[str, ...]
    input_size: tuple[int, int]
    mean: float
    std: float


def read_metadata(path: str | os.PathLike) -> Metadata:
    """The metadata that `add_metadata` embeds, read back by the fields of the published schema.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: as `read_labels`, or the file has labels but no metadata of an image classifier.
    """
    labels = read_labels(path)
    model = unpack(read_bytes(path, _MOST_MODEL_BYTES))
    buffers = [
        model.buffers[entry.buffer].data for entry in model.metadata or [] if entry.name == _BUFFER_NAME
    ]
    try:
        root = _TableReader.root(bytes(buffers[0]))
        subgraph = root.tables(3)[0]
        image = subgraph.tables(2)[0]
        size = image.table(3).table(1).table(1)
        normalisation = image.tables(4)[0].table(1)
        info = ModelInfo(*(root.text(field) for field in (0, 1, 4, 2, 5)))
        return Metadata(
            info,
            labels,
            (size.uint32(1), size.uint32(0)),
            normalisation.float(0),
            normalisation.float(1),
        )
    except (IndexError, struct.error) as error:
        raise ValueError(f"{path} has no metadata of an image classifier.") from error


def _check_labels(labels: Sequence[str], classes: int) -> None:
    if len(labels) != classes:
        raise ValueError(
            f"The model has {classes} classes but {len(labels)} labels were given: {list(labels)}"
        )
    for label in labels:
        if not is_class_name(label) or list(labels).count(label) > 1:
            raise ValueError(
                "Labels must be different, not empty, of one line and without control characters. Received: "
                f"{list(labels)!a}"
            )


def _model_metadata(info: ModelInfo, height: int, width: int) -> bytes:
    writer = _TableWriter()
    text = writer.text
    labels = writer.table({0: text(LABELS_FILE), 1: text("Class names"), 2: np.int8(_TENSOR_AXIS_LABELS)})
    size = writer.table({0: np.uint32(width), 1: np.uint32(height)})
    image = writer.table({0: np.int8(_RGB), 1: size})
    normalisation = writer.table({0: writer.floats([0.0]), 1: writer.floats([1.0])})
    input_tensor = writer.table(
        {
            0: text("image"),
            1: text(f"RGB picture, {width} x {height} pixels, values 0..255; nothing to normalise."),
            3: writer.table({0: np.uint8(_IMAGE_PROPERTIES), 1: image}),
            4: writer.tables([writer.table({0: np.uint8(_NORMALIZATION_OPTIONS), 1: normalisation})]),
            5: writer.table({0: writer.floats([255.0]), 1: writer.floats([0.0])}),
        }
    )
    output_tensor = writer.table(
        {
            0: text("probabilities"),
            1: text("Probability of each class; they sum to 1."),
            3: writer.table({0: np.uint8(_FEATURE_PROPERTIES), 1: writer.table({})}),
            5: writer.table({0: writer.floats([1.0]), 1: writer.floats([0.0])}),
            6: writer.tables([labels]),
        }
    )
    subgraph = writer.table({2: writer.tables([input_tensor]), 3: writer.tables([output_tensor])})
    root = writer.table(
        {
            0: text(info.name),
            1: text(info.description),
            2: text(info.version),
            3: writer.tables([subgraph]),
            4: text(info.author),
            5: text(info.licence),
            7: text("1.0.0"),  # the oldest parser that knows these fields
        }
    )
    writer.builder.Finish(root, file_identifier=_IDENTIFIER)
    return bytes(writer.builder.Output())


class _TableWriter:
    """Writes flatbuffer tables from {field number: value}: a NumPy scalar, or the offset of a part already
    written."""

    def __init__(self):
        self.builder = flatbuffers.Builder(1024)

    def text(self, value: str) -> int:
        return self.builder.CreateString(value)

    def floats(self, values: list[float]) -> int:
        return self.builder.CreateNumpyVector(np.asarray(values, np.float32))

    def tables(self, offsets: list[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def table(self, fields: dict[int, int | np.number]) -> int:
        self.builder.StartObject(max(fields, default=-1) + 1)
        for number, value in fields.items():
            if isinstance(value, np.int8):
                self.builder.PrependInt8Slot(number, int(value), 0)
            elif isinstance(value, np.uint8):
                self.builder.PrependUint8Slot(number, int(value), 0)
            elif isinstance(value, np.uint32):
                self.builder.PrependUint32Slot(number, int(value), 0)
            else:
                self.builder.PrependUOffsetTRelativeSlot(number, value, 0)
        return self.builder.EndObject()


class _TableReader:
    """Reads flatbuffer tables by field number; IndexError for a field that is absent."""

    def __init__(self, data: bytes, position: int):
        self._table = flatbuffers.table.Table(data, position)

    @classmethod
    def root(cls, data: bytes) -> "_TableReader":
        if data[4:8] != _IDENTIFIER:
            raise IndexError("not ModelMetadata")
        return cls(data, struct.unpack_from("<I", data)[0])

    def text(self, field: int) -> str:
        return self._table.String(self._place(field)).decode()

    def uint32(self, field: int) -> int:
        return self._table.Get(number_types.Uint32Flags, self._place(field))

    def float(self, field: int) -> float:
        """The first of a vector of floats."""
        return self._table.Get(number_types.Float32Flags, self._table.Vector(self._offset(field)))

    def table(self, field: int) -> "_TableReader":
        return _TableReader(self._table.Bytes, self._table.Indirect(self._place(field)))

    def tables(self, field: int) -> list["_TableReader"]:
        start, length = self._table.Vector(self._offset(field)), self._table.VectorLen(self._offset(field))
        return [
            _TableReader(self._table.Bytes, self._table.Indirect(start + 4 * index))
            for index in range(length)
        ]

    def _place(self, field: int) -> int:
        return self._table.Pos + self._offset(field)

    def _offset(self, field: int) -> int:
        offset = self._table.Offset(4 + 2 * field)  # fields begin behind two sizes of two bytes each
        if not offset:
            raise IndexError(f"no field {field}")
        return offset
