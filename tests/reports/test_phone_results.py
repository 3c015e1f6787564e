"""What was measured on phones goes into record, json and card, and stays there."""

import json

import pytest

from skinkeras import reports
from skinkeras.reports import phone_results
from skinkeras.tflite.contract import sha256
from skinkeras.tflite.phones import Phone, PhoneLatency

PHONE = Phone(serial="secret", model="Pixel [8]", android="15")
CPU = PhoneLatency("CPU", 4, mean_ms=1.26, median_ms=1.2, first_ms=9.1, memory_mb=14.8)
GPU = PhoneLatency("GPU", 1, mean_ms=0.84, share="part")
NNAPI = PhoneLatency("NNAPI", 1, problem="will not be executed by the delegate")


def model_folder(record, folder):
    """An exported file with its json and card; its path."""
    folder.mkdir(exist_ok=True)
    path = folder / record["files"]["int8"]["file"]
    path.write_bytes(b"a model")
    record["files"]["int8"]["sha256"] = sha256(path)
    reports.render_model(record, folder)
    return path


@pytest.fixture(params=["released", "run"])
def recorded(binary, tmp_path, request):
    """An exported file, and where its record is: in `records/` beside it, or in the run's folder above."""
    path = model_folder(binary, tmp_path / "export")
    place = tmp_path / "export" / "records" / "melanoma_lite0.json"
    if request.param == "run":
        place = tmp_path / "record.json"
    reports.write_record(place, binary)
    return path, place


def test_results_are_joined_to_record_json_and_card(recorded):
    path, place = recorded
    assert phone_results.join(path, PHONE, [CPU, GPU, NNAPI]) == path.parent / "melanoma_lite0.json"
    (phone,) = reports.read_record(place)["files"]["int8"]["phones"]
    assert (phone["model"], phone["android"], len(phone["results"])) == ("Pixel [8]", "15", 3)
    contract = json.loads((path.parent / "melanoma_lite0.json").read_text())
    assert contract["files"]["int8"]["phones"] == [phone]
    card = (path.parent / "melanoma_lite0.card.md").read_text()
    assert "| Pixel \\[8\\], Android 15 | CPU | 4 | 1.3 | 1.2 | 9.1 | 14.8 |" in card
    assert "| GPU and CPU | 1 | 0.8 |  |  |  |" in card
    assert "| NNAPI | 1 | unavailable |" in card
    assert all("secret" not in file.read_text() for file in (place, *path.parent.glob("*.card.md")))


def test_results_stay_when_everything_is_rendered_again(recorded):
    path, place = recorded
    phone_results.join(path, PHONE, [CPU])
    before = {file: file.read_bytes() for file in path.parent.glob("melanoma_lite0.*")}
    reports.render_model(reports.read_record(place), path.parent)
    assert {file: file.read_bytes() for file in before} == before


def test_a_phone_measured_again_replaces_its_results_and_no_other_phone(recorded):
    path, place = recorded
    other = Phone(serial="x", model="Pixel [8]", android="16")
    for phone, latency in ((PHONE, CPU), (other, CPU), (PHONE, GPU)):
        phone_results.join(path, phone, [latency])
    phones = reports.read_record(place)["files"]["int8"]["phones"]
    assert [(one["android"], one["results"][0]["backend"]) for one in phones] == [
        ("16", "CPU"),
        ("15", "GPU"),
    ]


def test_a_copy_without_record_gets_them_into_json_and_card(binary, tmp_path):
    path = model_folder(binary, tmp_path / "copy")
    card = tmp_path / "copy" / "melanoma_lite0.card.md"
    before = card.read_text().rstrip()
    for latency in (CPU, GPU):  # measured again, replaced
        phone_results.join(path, PHONE, [latency])
    assert card.read_text().startswith(before)
    assert card.read_text().count("## On phones") == 1
    assert "| GPU and CPU |" in card.read_text() and "| CPU | 4 |" not in card.read_text()
    contract = json.loads((tmp_path / "copy" / "melanoma_lite0.json").read_text())
    assert [one["backend"] for one in contract["files"]["int8"]["phones"][0]["results"]] == ["GPU"]
    card.unlink()
    phone_results.join(path, PHONE, [CPU])
    assert not card.exists()


def test_the_record_of_another_model_is_left_alone(binary, tmp_path):
    path = model_folder(binary, tmp_path / "export")
    files = {kind: {**file, "file": f"other_{kind}.tflite"} for kind, file in binary["files"].items()}
    other = {**binary, "name": "other", "files": files}
    reports.write_record(tmp_path / "record.json", other)
    phone_results.join(path, PHONE, [CPU])
    assert reports.read_record(tmp_path / "record.json") == other


def test_a_file_without_json_is_refused(binary, tmp_path):
    path = model_folder(binary, tmp_path / "export")
    path.with_name("melanoma_lite0.json").unlink()
    with pytest.raises(ValueError, match="there is nothing to join"):
        phone_results.join(path, PHONE, [CPU])
