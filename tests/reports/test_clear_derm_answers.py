"""The template of a person's answers, and what is refused of a filled-in one."""

import re

import pytest
import yaml

from skinkeras.reports import clear_derm, clear_derm_template, read_answers
from skinkeras.reports.checklist.items import ITEMS

KEYS = ["answered_by", *(item.key for item in ITEMS)]


@pytest.fixture
def written(tmp_path):
    """A function that writes a text, or bytes, as a file of answers."""

    def write(text):
        path = tmp_path / "answers.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_the_template_asks_for_every_item_and_answers_none():
    assert yaml.safe_load(clear_derm_template()) == dict.fromkeys(KEYS)
    for number, item in enumerate(ITEMS, 1):
        assert f"\n# {number}. {item.title}\n# {item.question.split()[0]} " in clear_derm_template()
    assert max(map(len, clear_derm_template().splitlines())) <= 120


def test_what_is_filled_into_the_template_is_read_and_reported(written, binary):
    text = clear_derm_template()
    for key in KEYS:
        text = re.sub(rf"^{key}:$", f"{key}: |\n  Answer to {key}:\n  # yes - no", text, flags=re.MULTILINE)
    answers = read_answers(written(text))
    assert list(answers) == KEYS
    assert answers["impact"] == "Answer to impact:\n# yes - no\n"
    report = clear_derm(binary, answers)
    assert report.count("**Person:** Answer to ") == 25
    assert "Not reported." not in report


def test_an_answer_is_the_text_that_stands_there(written):
    text = "external_test_set: no\nsample_sizes: 6812\nacquisition: 2010-05-01\nimpact: 1e3\nbiases:\n"
    assert read_answers(written(text)) == {
        "external_test_set": "no",
        "sample_sizes": "6812",
        "acquisition": "2010-05-01",
        "impact": "1e3",
    }


REFUSED = {
    "template": (clear_derm_template(), "has no answers: write at least one"),
    "empty": ("", "has no answers: write at least one"),
    "author": ("answered_by: me", "has no answers: write at least one"),
    "unknown": ("skin_color: II", "'skin_color' is no item of the checklist. Use the keys of the template"),
    "unknown_empty": ("skin_color:", "'skin_color' is no item of the checklist"),
    "blank": ("biases: ' '", "the answer to biases is empty. Write one, or remove the quotes."),
    "list": ("biases: [a, b]", "'biases' holds no plain text. Write its answer as one text"),
    "mapping": ("biases:\n  a: b", "'biases' holds no plain text"),
    "twice": ("biases: a\nbiases: b", "'biases' stands there twice. Join the two answers."),
    "code": ("biases: !!python/object/apply:os.system ['touch /tmp/x']", "'biases' holds no plain text"),
    "tag": ("biases: !!python/name:os.system ''", "'biases' holds no plain text"),
    "binary": ("biases: !!binary aGk=", "'biases' holds no plain text"),
    "no_mapping": ("- biases", "does not hold `item: answer` lines: start from --clear-derm-template."),
    "key": ("? [a, b]\n: c", "line 1 has no plain key"),
    "colon": ("biases: a\nimpact: b: c", "is not YAML in line 2"),
    "documents": ("biases: a\n---\nbiases: b", "is not YAML"),
    "control": ("biases: a\x01", "is not YAML"),
    "bytes": (b"biases: \xff", "is not text in UTF-8: save it as such."),
    "deep": ("biases: " + "[" * 20000, "is nested too deeply"),
    "large": (b"biases: " + b"a" * 2**20, "is larger than 1 MiB"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_files_are_refused_in_one_sentence(written, case):
    text, sentence = REFUSED[case]
    path = written(text)
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        read_answers(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_file_that_is_not_there_is_refused_with_what_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"--clear-derm-template .*answers.yaml makes one\."):
        read_answers(tmp_path / "answers.yaml")
    with pytest.raises(ValueError, match="is not a file"):
        read_answers(tmp_path)
