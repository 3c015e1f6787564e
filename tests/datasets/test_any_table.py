"""Tables of any content: read, with every value as it stands, or refused in one sentence."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutated_images import mutate
from refusals import check_words

from pipelines.common.console import sentence
from skinkeras.datasets import DATASETS, Manifest
from skinkeras.tflite.contract import is_class_name

ANY = {"derandomize": True, "database": None, "suppress_health_check": list(HealthCheck)}

#: What stands in cells: of spreadsheets, of programs, and what is a command to one of them.
ODD = (
    *("", " ", "0", "1", "-1", "1.0", "1e308", "nan", "NaN", "inf", "None", "NA", "True", "unknown", "٣"),
    *(
        "=cmd|' /C calc'!A0",
        "@SUM(A1)",
        "<b>x</b>",
        "[red]x[/]",
        "[/]",
        "\u202exyz",
        "😀",
        "a\nb",
        'a"b',
        "a,b",
    ),
    *(
        "a;b",
        "../../x",
        "/etc/passwd",
        "C:\\x",
        "\\\\server\\x",
        "\x00",
        "\x1b[31mx",
        "\ufeff",
        "x" * 5000,
        "é",
    ),
)
cells = st.one_of(st.sampled_from(ODD), st.text(max_size=8))


def one_hot(name, i, columns):
    return (name, *(int(column == i % columns) for column in range(columns)))


#: {data set: [(file, header, row of a number)]} as they are published; the first file is the one with the labels.
TABLES = {
    "manifest": [
        (
            "manifest.csv",
            ("image", "image_id", "label", "lesion_id", "age", "split"),
            lambda i: (f"{i}.jpg", f"id{i}", ("benign", "malignant")[i % 2], f"L{i}", "50", ""),
        )
    ],
    "ham10000": [
        (
            "HAM10000_metadata.csv",
            ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization", "dataset"),
            lambda i: (
                f"HAM_{i}",
                f"ISIC_{i}",
                ("mel", "nv")[i % 2],
                "histo",
                "50.0",
                "male",
                "back",
                "rosendahl",
            ),
        )
    ],
    "isic2018": [
        (
            "ISIC2018_Task3_Training_GroundTruth.csv",
            ("image", "MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"),
            lambda i: one_hot(f"ISIC_{i}", i, 7),
        ),
        (
            "ISIC2018_Task3_Training_LesionGroupings.csv",
            ("image", "lesion_id", "diagnosis_confirm_type"),
            lambda i: (f"ISIC_{i}", f"HAM_{i}", "histopathology"),
        ),
    ],
    "isic2019": [
        (
            "ISIC_2019_Training_GroundTruth.csv",
            ("image", "MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"),
            lambda i: one_hot(f"ISIC_{i}", i % 8, 9),
        ),
        (
            "ISIC_2019_Training_Metadata.csv",
            ("image", "age_approx", "anatom_site_general", "lesion_id", "sex"),
            lambda i: (f"ISIC_{i}", "55.0", "anterior torso", f"BCN_{i}", "female"),
        ),
    ],
    "isic2020": [
        (
            "ISIC_2020_Training_GroundTruth.csv",
            ("image_name", "patient_id", "sex", "age_approx", "diagnosis", "benign_malignant", "target"),
            lambda i: (
                f"ISIC_{i}",
                f"IP_{i}",
                "male",
                "45.0",
                "nevus",
                ("benign", "malignant")[i % 2],
                i % 2,
            ),
        )
    ],
    "isic_archive": [
        (
            "metadata.csv",
            (
                "isic_id",
                "attribution",
                "age_approx",
                "diagnosis_1",
                "diagnosis_2",
                "image_type",
                "lesion_id",
                "sex",
            ),
            lambda i: (
                *(f"ISIC_{i}", "A clinic", "85+", ("Benign", "Malignant")[i % 2]),
                *("Nevus", "dermoscopic", f"IL_{i}", "female"),
            ),
        )
    ],
    "isic2024": [
        (
            "train-metadata.csv",
            ("isic_id", "target", "patient_id", "lesion_id", "age_approx", "sex", "attribution"),
            lambda i: (f"ISIC_{i}", i % 2, f"IP_{i}", "", 60, "male", "A clinic"),
        )
    ],
    "pad_ufes": [
        (
            "metadata.csv",
            ("patient_id", "lesion_id", "age", "gender", "fitspatrick", "diagnostic", "img_id", "biopsed"),
            lambda i: (f"PAT_{i}", i, 55, "FEMALE", "2.0", ("BCC", "NEV")[i % 2], f"PAT_{i}_1_9.png", True),
        )
    ],
    "bcn20000": [
        (
            "bcn_20k_train.csv",
            ("bcn_filename", "age_approx", "anatom_site_general", "diagnosis", "lesion_id", "sex", "split"),
            lambda i: (f"BCN_{i}.jpg", 60, "head/neck", ("NV", "MEL")[i % 2], f"BCN_{i}", "male", "train"),
        )
    ],
    "derm7pt": [
        (
            "meta/meta.csv",
            ("case_num", "diagnosis", "clinic", "derm", "sex", "location"),
            lambda i: (i + 1, ("melanoma", "clark nevus")[i % 2], f"c{i}.jpg", f"d{i}.jpg", "male", "back"),
        )
    ],
}
#: Those that have no table of labels: the folders are the classes, or other data sets' tables are read.
WITHOUT_TABLE = {"synthetic", "folder", "isic_merge"}


def as_csv(header, rows, separator=","):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerows([header, *rows])
    return text.getvalue().encode("utf-8", "surrogatepass")


def write(root, dataset, contents=()):
    """Writes the tables of a data set; the first ones with other contents."""
    for number, (name, header, row) in enumerate(TABLES[dataset]):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[number] if number < len(contents) else as_csv(header, map(row, range(8))))


def read(root, dataset):
    """The manifest; or None where the table was refused in one sentence."""
    try:
        return DATASETS[dataset].read(root)
    except (ValueError, FileNotFoundError) as error:
        check_words(sentence(error))
        assert len(sentence(error)) <= 2005
        return None


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


def test_every_data_set_with_a_table_is_here(root):
    assert {*TABLES, *WITHOUT_TABLE} == {*DATASETS}
    for dataset in TABLES:
        write(root / dataset, dataset)
        assert len(read(root / dataset, dataset)) == 8, dataset


@settings(max_examples=60, **ANY)
@given(st.data())
@pytest.mark.parametrize("dataset", TABLES)
def test_any_cells_are_read_or_refused(root, dataset, data):
    _, header, row = data.draw(st.sampled_from(TABLES[dataset]))
    rows, header = [list(row(i)) for i in range(8)], list(header)
    for _ in range(data.draw(st.integers(1, 4))):
        line = data.draw(st.sampled_from([header, *rows, *rows]))
        column = data.draw(st.integers(0, len(line) - 1))
        line[column] = data.draw(st.one_of(cells, st.sampled_from([row[column] for row in rows])))
    contents = [as_csv(*table) for table in _tables_with(dataset, header, rows)]
    write(root / dataset, dataset, contents)
    manifest = read(root / dataset, dataset)
    if manifest is not None:
        assert set(manifest.table["label"]) <= set(manifest.classes)
        assert manifest.table["image_id"].is_unique and len(manifest) <= 8


def _tables_with(dataset, header, rows):
    """[(header, rows)] of a data set, the table whose header is about as long replaced."""
    usual = [(given, [row(i) for i in range(8)]) for _, given, row in TABLES[dataset]]
    place = next(i for i, (given, _) in enumerate(usual) if len(given) == len(header))
    usual[place] = (header, rows)
    return usual


@settings(max_examples=60, **ANY)
@given(
    seed=st.integers(0, 2**64 - 1),
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(("", "utf-16")),
)
@pytest.mark.parametrize("dataset", TABLES)
def test_damaged_tables_are_read_or_refused(root, dataset, seed, separator, encoding):
    _, header, row = TABLES[dataset][0]
    content = as_csv(header, map(row, range(8)), separator)
    content = content.decode().encode(encoding) if encoding else content
    write(root / dataset, dataset, [mutate(content, seed)])
    read(root / dataset, dataset)


@settings(max_examples=300, **ANY)
@given(
    name=st.one_of(cells, st.text(max_size=3), st.sampled_from(["x" * 200, "x" * 201, "\u202ex", "a\u2066b"]))
)
def test_a_class_that_a_manifest_may_have_is_one_that_an_exported_model_may_have(name):
    try:
        Manifest(pd.DataFrame({"image": ["a"], "image_id": ["a"], "label": [name]}), (name, "another class"))
    except ValueError as error:
        check_words(sentence(error))
    else:
        assert is_class_name(name)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)


@settings(max_examples=80, **ANY)
@given(
    labels=st.lists(texts, min_size=2, max_size=4, unique_by=str.casefold),
    ids=st.lists(texts, min_size=4, max_size=8, unique=True),
    lesions=st.lists(st.one_of(st.none(), texts), min_size=8, max_size=8),
    ages=st.lists(st.one_of(st.none(), st.integers(0, 110)), min_size=8, max_size=8),
)
def test_any_manifest_is_the_same_after_it_was_written(root, labels, ids, lesions, ages):
    rows = {
        "image": [f"/images/{number}.jpg" for number in range(len(ids))],
        "image_id": ids,
        "label": [labels[number % len(labels)] for number in range(len(ids))],
        "lesion_id": lesions[: len(ids)],
        "age": ages[: len(ids)],
    }
    try:
        manifest = Manifest(pd.DataFrame(rows), tuple(labels))
    except ValueError as error:
        check_words(sentence(error))
        return
    manifest.to_csv(root / "written.csv")
    again = Manifest.from_csv(root / "written.csv", manifest.classes)
    pd.testing.assert_frame_equal(again.table, manifest.table)
    assert again.groups().tolist() == manifest.groups().tolist()


def test_thousands_of_columns_are_read(root):
    header, rows = ("image", "label", *(f"c{i}" for i in range(5_000))), [("a.jpg", "x"), ("b.jpg", "y")]
    write(root / "wide", "manifest", [as_csv(header, rows)])
    assert len(read(root / "wide", "manifest")) == 2
    write(root / "wide", "manifest", [as_csv(header[2:], rows)])
    assert read(root / "wide", "manifest") is None
