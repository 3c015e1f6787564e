import pytest

from skinkeras import tflite
from skinkeras.files import write_json
from skinkeras.tflite.contract import sha256


@pytest.fixture
def released(tmp_path):
    """A file and the json beside it, and a function that changes the json."""
    path = tmp_path / "mole_int8.tflite"
    path.write_bytes(b"a model")
    contract = {
        "schema_version": 1,
        "threshold": 0.4,
        "files": {"int8": {"file": path.name, "sha256": sha256(path)}},
    }
    write_json(tmp_path / "mole.json", contract)
    return path, lambda **changes: write_json(tmp_path / "mole.json", contract | changes)


def test_the_json_beside_a_file_is_found(released):
    path, _ = released
    (path.parent / "other.json").write_text("not even JSON")
    (path.parent / "mol.json").write_text('{"files": {}}')
    assert tflite.find_contract(path) == path.parent / "mole.json"


def test_a_file_without_json_has_no_contract(released):
    path, change = released
    change(files={})
    assert tflite.find_contract(path) is None


def test_the_json_of_another_file_of_that_name_is_refused(released):
    path, _ = released
    path.write_bytes(b"another model")
    with pytest.raises(ValueError, match=r"mole\.json describes another mole_int8\.tflite"):
        tflite.find_contract(path)


def test_a_json_of_another_time_or_kind_is_refused(released):
    path, change = released
    change(schema_version=2)
    with pytest.raises(ValueError, match="schema_version 2; this program reads 1"):
        tflite.find_contract(path)
    (path.parent / "mole.json").write_text("[1]")
    with pytest.raises(ValueError, match="no object called files"):
        tflite.find_contract(path)
    (path.parent / "mole.json").write_text("{")
    with pytest.raises(ValueError, match=r"mole\.json is not JSON"):
        tflite.find_contract(path)


@pytest.mark.parametrize(
    ("probabilities", "positive", "threshold", "expected"),
    [
        ([0.55, 0.45], "malignant", 0.45, "malignant"),  # from the threshold on
        ([0.56, 0.44], "malignant", 0.45, "benign"),
        ([0.3, 0.7], "malignant", 0.8, "benign"),  # below it, though the most probable
        ([0.3, 0.7], None, None, "malignant"),
        ([0.7, 0.3], None, None, "benign"),
    ],
)
def test_the_threshold_decides_where_there_is_one(probabilities, positive, threshold, expected):
    assert tflite.decide(probabilities, ("benign", "malignant"), positive, threshold) == expected
