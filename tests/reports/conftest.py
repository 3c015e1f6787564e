import pytest
from sample_records import binary_record, diagnosis_record


@pytest.fixture
def binary():
    """A record of the binary task: two Keras models and an int8 file."""
    return binary_record()


@pytest.fixture
def diagnosis():
    """A record of two repeats with three classes and no files."""
    return diagnosis_record()
