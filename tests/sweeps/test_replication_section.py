"""The section of a page that is written from a sweep's report."""

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import replication_section


@pytest.fixture
def sweep(tmp_path):
    report = tmp_path / "sweep" / "report"
    report.mkdir(parents=True)
    (report / "report.md").write_text(
        "# sweep\n\n2 of 3 configurations have finished, 1 failed. All the same.\n"
    )
    (report / "table_1.md").write_text("| model |\n| --- |\n| lite0 |\n")
    for number in (5, 6):
        (report / f"figure_{number}.png").write_bytes(b"figure")
    claim = {"claim": "blur", "text": "Blur helps", "verdict": "supported", "training_luck": "unknown"}
    pd.DataFrame([{**claim, "corrected_verdict": ""}] * 2).to_csv(report / "claims.csv", index=False)
    pd.DataFrame({"seconds": [60.0, 90.0]}).to_csv(tmp_path / "sweep" / "runs.csv", index=False)
    return tmp_path / "sweep"


def test_the_section_is_put_between_the_marks_and_can_be_written_again(sweep, tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("before\n\n<!-- small grid -->\n\nold\n\n<!-- end of the small grid -->\n\nafter\n")
    (tmp_path / "page").mkdir()
    monkeypatch.setattr(sys, "argv", ["replication_section", str(sweep), str(page)])
    replication_section.main()
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\n\nafter\n") and "old" not in text
    assert "2 of 3 configurations have finished, 1 failed. All the same. The runs took 2 minutes." in text
    assert text.count("| Blur helps | supported (one seed) | - |") == 1
    assert "### Table I\n\n| model |" in text
    assert "(page/small_figure_5.png)" in text and (tmp_path / "page" / "small_figure_6.png").is_file()
    replication_section.main()
    assert page.read_text() == text


def test_a_page_without_marks_is_refused_and_stays(sweep, tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    monkeypatch.setattr(sys, "argv", ["replication_section", str(sweep), str(page)])
    with pytest.raises(SystemExit):
        replication_section.main()
    assert page.read_text() == "nothing\n"
