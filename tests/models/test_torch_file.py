"""The files are written here opcode by opcode, as PyTorch before 1.6 wrote them, without PyTorch."""

import pickle
import struct

import numpy as np
import pytest

from skinkeras.models import WeightsFileError, read_torch_file

MAGIC = 0x1950A86A20F9469CFC6C  # torch/serialization.py
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
KERNEL = np.arange(6, dtype="<f4").reshape(2, 3) / 4
COUNT = np.array(7, dtype="<i8")


def value(x):
    """The opcodes that push `x`: a pickle without its header and its end."""
    return pickle.dumps(x, protocol=2)[2:-1]


def storage(kind, key, size):
    record = value("storage") + f"ctorch\n{kind}\n".encode() + value(key) + value("cpu") + value(size)
    return b"(" + record + b"NtQ"


def tensor(stored, offset, shape, strides):
    tail = value(offset) + value(shape) + value(strides) + b"\x89ccollections\nOrderedDict\n)RtR"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + stored + tail


def state_dict(**tensors):
    items = b"".join(value(name) + opcodes for name, opcodes in tensors.items())
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u."


def torch_file(state, keys, data, magic=MAGIC, system=SYSTEM):
    records = [pickle.dumps(x, protocol=2) for x in (magic, 1001, system)]
    records += [state, pickle.dumps(keys, protocol=2)]
    return b"".join(records) + b"".join(struct.pack("<q", array.size) + array.tobytes() for array in data)


def good_state(**changes):
    tensors = {
        "conv.weight": tensor(storage("FloatStorage", "a", 6), 0, (2, 3), (3, 1)),
        "conv.transposed": tensor(storage("FloatStorage", "a", 6), 0, (3, 2), (1, 3)),
        "conv.row": tensor(storage("FloatStorage", "a", 6), 3, (3,), (1,)),
        "bn.num_batches_tracked": tensor(storage("LongStorage", "b", 1), 0, (), ()),
    }
    return state_dict(**{**tensors, **changes})


GOOD = torch_file(good_state(), ["a", "b"], [KERNEL, COUNT])


def refused(tmp_path, content):
    """The reader's complaint, which has to name the file."""
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsFileError) as caught:
        read_torch_file(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_tensors_are_read_with_their_shapes_strides_and_types(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(GOOD)
    tensors = read_torch_file(path)
    assert list(tensors) == ["conv.weight", "conv.transposed", "conv.row", "bn.num_batches_tracked"]
    assert np.array_equal(tensors["conv.weight"], KERNEL)
    assert np.array_equal(tensors["conv.transposed"], KERNEL.T)
    assert np.array_equal(tensors["conv.row"], KERNEL[1])
    assert tensors["bn.num_batches_tracked"] == 7
    assert tensors["conv.weight"].dtype == np.float32
    assert tensors["bn.num_batches_tracked"].dtype == np.int64
    assert tensors["conv.weight"].flags.writeable


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path):
    trace = tmp_path / "it-ran"
    call = b"cposix\nsystem\n(" + value(f"touch {trace}") + b"tR"
    for hostile in (
        torch_file(state_dict(weight=call), [], []),
        b"\x80\x02" + call + b"." + GOOD,  # in the very first record
        torch_file(good_state(extra=call), ["a", "b"], [KERNEL, COUNT]),
    ):
        assert "posix.system" in refused(tmp_path, hostile)
        assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["builtins\neval", "torch\nload", "collections\nnamedtuple", "numpy\nload", "torch._utils\nos"]
)
def test_names_beside_the_allowed_ones_are_refused(tmp_path, name):
    content = torch_file(good_state(extra=b"c" + name.encode() + b"\n"), ["a", "b"], [KERNEL, COUNT])
    assert name.replace("\n", ".") in refused(tmp_path, content)


@pytest.mark.parametrize("kept", [0, 1, 20, 100, len(GOOD) - 21, len(GOOD) - 9, len(GOOD) - 1])
def test_a_truncated_file_is_refused(tmp_path, kept):
    refused(tmp_path, GOOD[:kept])


def test_bytes_behind_the_last_tensor_are_refused(tmp_path):
    assert "after the last tensor" in refused(tmp_path, GOOD + b"\0")


def test_a_forged_size_is_refused_before_it_is_read(tmp_path):
    huge = 2**50
    state = state_dict(weight=tensor(storage("FloatStorage", "a", huge), 0, (huge,), (1,)))
    assert "truncated" in refused(tmp_path, torch_file(state, ["a"], [KERNEL]))


def test_a_size_that_differs_from_the_declared_one_is_refused(tmp_path):
    state = state_dict(weight=tensor(storage("FloatStorage", "a", 5), 0, (5,), (1,)))
    assert "another size" in refused(tmp_path, torch_file(state, ["a"], [KERNEL]))


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (7,), (1,)),
        (1, (2, 3), (3, 1)),
        (0, (2, 3), (4, 1)),
        (-1, (3,), (1,)),
        (5, (3,), (-1,)),
        (0, (-2, -3), (3, 1)),
        (0, (2**40,), (0,)),
        (6, (), ()),
        (0, (2, 3), (3,)),
    ],
)
def test_a_tensor_outside_its_storage_is_refused(tmp_path, offset, shape, strides):
    state = state_dict(weight=tensor(storage("FloatStorage", "a", 6), offset, shape, strides))
    refused(tmp_path, torch_file(state, ["a"], [KERNEL]))


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 the format of PyTorch 1.6 and later",
        b"\x89HDF\r\n\x1a\n",
        b"<!DOCTYPE html>",
        pickle.dumps({"weight": [1.0]}),
        torch_file(good_state(), ["a", "b"], [KERNEL, COUNT], magic=1),
        torch_file(good_state(), ["a", "b"], [KERNEL, COUNT], system={"little_endian": False}),
        torch_file(pickle.dumps([1, 2], protocol=2), [], []),
        torch_file(good_state(), ["a"], [KERNEL]),  # a storage that the file does not list
        torch_file(good_state(), ["a", "b", "c"], [KERNEL, COUNT, COUNT]),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    assert "is not a usable PyTorch weights file" in refused(tmp_path, content)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_torch_file(tmp_path / "weights.pth")
