"""The report by the CLEAR Derm checklist (Daneshjou et al. 2022): what record and person say to each item."""

from skinkeras.reports.checklist.answers import clear_derm_template, read_answers
from skinkeras.reports.checklist.report import clear_derm

__all__ = ["clear_derm", "clear_derm_template", "read_answers"]
