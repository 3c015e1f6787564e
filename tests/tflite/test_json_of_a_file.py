"""`NAME.json` beside a file: it is found, read and obeyed, and none that is wrong is trusted."""

import copy
import importlib.resources
import json
import os
import time

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinkeras import tflite
from skinkeras.files.writing import write_json
from skinkeras.tflite import contract as contracts

CONTRACT = {
    "schema_version": 1,
    "name": "mole",
    "task": "melanoma or benign",
    "not_a_medical_device": True,
    "input": {
        "name": "image",
        "shape": [1, 32, 32, 3],
        "dtype": "float32",
        "colour": "RGB",
        "range": [0, 255],
    },
    "output": {"name": "probabilities", "shape": [1, 2], "dtype": "float32"},
    "classes": ["benign", "malignant"],
    "positive_class": "malignant",
    "threshold": 0.4,
    "files": {"int8": {"file": "mole_int8.tflite", "sha256": "0" * 64, "size_bytes": 7}},
    "data": {"name": "HAM10000", "licence": "CC BY-NC 4.0"},
    "versions": {"keras": "3.15.1"},
}
RELEASED = sorted(importlib.resources.files("skinkeras").joinpath("../tflite_models").glob("*.json"))


@pytest.fixture
def released(tmp_path):
    """A file and the json beside it, and a function that changes the json."""
    path = tmp_path / "mole_int8.tflite"
    path.write_bytes(b"a model")
    contract = copy.deepcopy(CONTRACT)
    contract["files"]["int8"]["sha256"] = contracts.sha256(path)
    write_json(tmp_path / "mole.json", contract)
    return path, lambda **changes: write_json(tmp_path / "mole.json", contract | changes)


def with_change(*where, to):
    """The contract as text, with a value of it replaced."""
    contract = copy.deepcopy(CONTRACT)
    target = contract
    for step in where[:-1]:
        target = target[step]
    target[where[-1]] = to
    return json.dumps(contract)


def without(*where):
    contract = copy.deepcopy(CONTRACT)
    target = contract
    for step in where[:-1]:
        target = target[step]
    del target[where[-1]]
    return json.dumps(contract)


def refusal(tmp_path, text):
    """The sentence with which a json of this text (or these bytes) is refused, less its path."""
    path = tmp_path / "mole.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError) as refused:
        tflite.read_contract(path)
    sentence = str(refused.value)
    assert sentence.startswith(f"{path} ")
    assert "\n" not in sentence and sentence.endswith(".") and len(sentence) < len(str(path)) + 300
    return sentence.removeprefix(f"{path} ")


def test_the_json_beside_a_file_is_found(released):
    path, _ = released
    (path.parent / "other.json").write_text("not even JSON")
    (path.parent / "mol.json").write_text('{"files": {}}')
    assert tflite.find_contract(path) == path.parent / "mole.json"


def test_a_file_without_json_has_no_contract(released):
    path, change = released
    other = {"file": "mole_float16.tflite", "sha256": "0" * 64, "size_bytes": 7}
    change(files={"float16": other})
    assert tflite.find_contract(path) is None
    (path.parent / "mole.json").unlink()
    assert tflite.find_contract(path) is None


def test_of_two_jsons_that_may_be_meant_the_longer_name_is_read_first(released):
    path, _ = released
    path.rename(path.with_name("mole_b_int8.tflite"))
    text = (path.parent / "mole.json").read_text()
    (path.parent / "mole_b.json").write_text(text.replace("mole", "mole_b"))
    (path.parent / "mole.json").write_text("[]")
    assert tflite.find_contract(path.with_name("mole_b_int8.tflite")) == path.parent / "mole_b.json"


def test_the_json_of_another_file_of_that_name_is_refused(released):
    path, _ = released
    path.write_bytes(b"another model")
    with pytest.raises(ValueError, match=r"mole\.json describes another mole_int8\.tflite"):
        tflite.find_contract(path)


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_the_released_models_are_read(path):
    assert tflite.read_contract(path) == json.loads(path.read_text())


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(contracts.contract_schema())


SHAPES = [
    ("", "is not JSON: Expecting value"),
    ("{", "is not JSON: Expecting property name"),
    (b"\xff\xfe{}", "is not JSON: it is not text in UTF-8"),
    ("[1]", "it must be a JSON object that describes a model; it is [1]"),
    ("null", "it must be a JSON object"),
    ("{}", "schema_version is missing"),
    ('{"a": 1, "a": 2}', 'an object has the name "a" twice'),
    ("[" * 100_000, "is nested too deeply"),
    (" " * 2_000_000, "is larger than 1 MiB"),
    (with_change("schema_version", to=2), "its schema_version is 2; this program reads 1"),
    (with_change("schema_version", to="1"), 'its schema_version is "1"'),
    (without("schema_version"), "schema_version is missing"),
    (without("files"), "files is missing"),
    (without("files", "int8", "sha256"), "files.int8.sha256 is missing"),
    (with_change("files", to=[]), "files must be an object of at least one file, by kind; it is []"),
    (with_change("files", to={}), "files must be an object of at least one file"),
    (with_change("files", "int8", to="x"), 'files.int8 must be an object that describes a file; it is "x"'),
    (with_change("files", "Int 8", to={}), "files must be kinds of files such as int8 or float16"),
    (with_change("files", "int8", "file", to=4), "files.int8.file must be a bare file name"),
    (with_change("files", "int8", "size_bytes", to=True), "files.int8.size_bytes must be a whole number"),
    (with_change("files", "int8", "size_bytes", to=2**40), "files.int8.size_bytes must be a whole number"),
    (with_change("files", "int8", "size_bytes", to=10**400), "files.int8.size_bytes is a number beyond 2^53"),
    (with_change("files", "int8", "sha256", to="xyz"), "files.int8.sha256 must be 64 hexadecimal digits"),
    (with_change("files", "int8", "sha256", to="A" * 64), "files.int8.sha256 must be 64 hexadecimal digits"),
    (with_change("files", "int8", "sha256", to="0" * 64 + "\n"), "files.int8.sha256 must be 64 hexadecimal"),
    (
        with_change("files", "int8", "threshold", to=0),
        "files.int8.threshold must be a number above 0 and below 1",
    ),
    (with_change("threshold", to=float("nan")), "threshold is not a finite number"),
    (with_change("threshold", to=float("-inf")), "threshold is not a finite number"),
    (with_change("threshold", to=-5), "threshold must be a number above 0 and below 1, or null; it is -5"),
    (with_change("threshold", to=0), "threshold must be a number above 0"),
    (with_change("threshold", to=1), "threshold must be a number above 0 and below 1"),
    (
        with_change("threshold", to=True),
        "threshold must be a number above 0 and below 1, or null; it is true",
    ),
    (
        with_change("threshold", to="0.5"),
        'threshold must be a number above 0 and below 1, or null; it is "0.5"',
    ),
    (with_change("threshold", to=[0.5]), "threshold must be a number above 0"),
    (with_change("threshold", to=None), "positive_class and threshold must both be null, or neither"),
    (with_change("positive_class", to=None), "positive_class and threshold must both be null, or neither"),
    (with_change("positive_class", to="mel"), 'positive_class "mel" is not one of its classes'),
    (with_change("classes", to="benign"), "classes must be a list of at least two different class names"),
    (with_change("classes", to=[1, 2]), "classes.0 must be a text of one line without control characters"),
    (with_change("classes", to=["a", None]), "classes.1 must be a text"),
    (with_change("classes", to=["malignant"]), "classes must be a list of at least two"),
    (with_change("classes", to=["malignant"] * 2), "classes must be different names"),
    (with_change("classes", to=["malignant", "b", "c"]), "output.shape has 2 classes, and classes has 3"),
    (with_change("classes", to=["malignant", "two\nlines"]), "classes.1 must be a text of one line"),
    (with_change("classes", to=["malignant", "\x1b[31mred"]), "classes.1 must be a text of one line"),
    (with_change("classes", to=["malignant", "a\u202eb"]), "classes.1 must be a text of one line"),
    (with_change("classes", to=["malignant", "\ud800"]), "classes.1 must be a text of one line"),
    (with_change("classes", to=["malignant", "  "]), "classes.1 must be a text of one line"),
    (with_change("class_titles", to={"nevus": "nevus"}), "class_titles has other classes than classes"),
    (with_change("class_titles", to={"benign": "a\nb"}), "class_titles.benign must be a text of one line"),
    (with_change("malignancy", to={"nevus": "benign"}), "malignancy has other classes than classes"),
    (with_change("malignancy", to={"benign": "harmless"}), "malignancy.benign must be"),
    (with_change("target", to={"classes": ["mel"]}), "target.title is missing"),
    (with_change("target", to={"title": "a\nb"}), "target.title must be a text of one line"),
    (with_change("task", to="a\x00b"), "task must be a text without control characters"),
    (with_change("not_a_medical_device", to=False), "not_a_medical_device must be true; it is false"),
    (with_change("input", "shape", to=[1, 32, 32]), "input.shape must be [1, height, width, 3]"),
    (with_change("input", "shape", to=[1, 10**6, 32, 3]), "input.shape.1"),
    (with_change("input", "range", to=[0, 1]), "input.range must be [0, 255]"),
    (with_change("data", to=None), "data must be an object; it is null"),
    (
        with_change("files", "int8", "test", to={"roc_auc": "high"}),
        "files.int8.test.roc_auc must be a number",
    ),
    (
        with_change("files", "int8", "test", to={"roc_auc_interval": [1]}),
        "files.int8.test.roc_auc_interval must be",
    ),
    (with_change("files", "int8", "test", to={"any": 1e999}), "files.int8.test.any is not a finite number"),
    (with_change("files", "int8", "median_ms", to={"1": "fast"}), "files.int8.median_ms.1 must be a number"),
    (with_change("files", "int8", "golden", to={"tolerance": 1}), "files.int8.golden.pictures is missing"),
    (
        with_change(
            *("files", "int8", "golden"),
            to={"tolerance": 0.01, "pictures": [{"name": "a", "sha256": "0" * 64, "probabilities": [1]}]},
        ),
        "files.int8.golden.pictures.0.probabilities must be one number for each class",
    ),
    (with_change("files", "float16", to=CONTRACT["files"]["int8"]), "two entries of files have the name"),
]


@pytest.mark.parametrize(("text", "words"), SHAPES)
def test_a_json_of_another_shape_gets_one_sentence_with_the_place(tmp_path, text, words):
    assert words in refusal(tmp_path, text)


NAMES = [
    *(
        "../../x.tflite",
        "..",
        ".",
        "",
        "/etc/passwd",
        "a/b.tflite",
        "..\\x.tflite",
        "C:\\x.tflite",
        "x\0.tflite",
    ),
    *(
        "x\n.tflite",
        "x.tflite\n",
        ".hidden.tflite",
        "-rf.tflite",
        "x.txt",
        "README.md",
        "x" * 300 + ".tflite",
    ),
    *("%2e%2e%2fx.tflite", "x?.tflite", "x#.tflite", "\u202ex.tflite", "\ud800.tflite", " x.tflite"),
]


@pytest.mark.parametrize("name", NAMES)
def test_only_a_bare_name_is_the_name_of_a_file(tmp_path, name):
    said = refusal(tmp_path, with_change("files", "int8", "file", to=name))
    assert "files.int8.file must be a bare file name that ends in .tflite" in said
    if name not in ("x.txt", "README.md"):
        assert "name must be a bare file name" in refusal(tmp_path, with_change("name", to=name))


def test_a_folder_a_pipe_and_nothing_are_no_contract(tmp_path):
    with pytest.raises(ValueError, match="is not a file"):
        tflite.read_contract(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(ValueError, match="is not a file"):
        tflite.read_contract(tmp_path / "pipe.json")
    with pytest.raises(FileNotFoundError):
        tflite.read_contract(tmp_path / "none.json")


def test_a_megabyte_of_errors_is_refused_at_once(tmp_path):
    begin = time.perf_counter()
    assert "classes" in refusal(tmp_path, with_change("classes", to=[0] * 300_000))
    assert time.perf_counter() - begin < 5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLACES = [(key,) for key in CONTRACT] + [
    *(
        ("files", "int8", key)
        for key in ("file", "sha256", "size_bytes", "test", "golden", "phones", "threshold")
    ),
    *(("input", key) for key in CONTRACT["input"]),
    *(("output", key) for key in CONTRACT["output"]),
    *(("classes", 0), ("files", "int8"), ("data", "licence"), ("versions", "keras")),
]


@settings(max_examples=300)
@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_value_at_any_place_is_read_as_it_stands_or_refused(tmp_path_factory, place, value):
    folder = tmp_path_factory.getbasetemp()
    text = with_change(*place, to=value)
    (folder / "mole.json").write_text(text)
    try:
        contract = tflite.read_contract(folder / "mole.json")
    except ValueError:
        refusal(folder, text)
        return
    assert contract == json.loads(text)
    assert all(
        contracts.threshold_of(contract, kind) is None or 0 < contract["threshold"] < 1
        for kind in contract["files"]
    )


@pytest.mark.parametrize(("own", "expected"), [(None, 0.4), (0.7, 0.7), ("absent", 0.4)])
def test_a_files_own_threshold_comes_before_the_models(tmp_path, own, expected):
    contract = copy.deepcopy(CONTRACT)
    if own != "absent":
        contract["files"]["int8"]["threshold"] = own
    write_json(tmp_path / "mole.json", contract)
    assert tflite.threshold_of(tflite.read_contract(tmp_path / "mole.json"), "int8") == expected


def test_a_threshold_without_a_positive_class_is_refused(tmp_path):
    contract = copy.deepcopy(CONTRACT) | {"positive_class": None, "threshold": None}
    contract["files"]["int8"]["threshold"] = 0.5
    assert "files.int8.threshold needs a positive_class" in refusal(tmp_path, json.dumps(contract))


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
