"""The record of a run and what is rendered from it: metrics, model card, contract for apps, table of results,
report by the CLEAR Derm checklist."""

from skinkeras.reports.card import model_card
from skinkeras.reports.checklist import clear_derm, clear_derm_template, read_answers
from skinkeras.reports.contract import contract_of
from skinkeras.reports.external import external_section
from skinkeras.reports.external_entries import add_external, read_evaluation
from skinkeras.reports.fitness import unfit_forms
from skinkeras.reports.headline import headline
from skinkeras.reports.record import check_record, read_record, record_schema, write_record
from skinkeras.reports.rendering import render_documents, render_model, render_run, rendering_faults
from skinkeras.reports.results import RepeatResults, RunResults, predictions_table, read_results

__all__ = [
    "RepeatResults",
    "RunResults",
    "add_external",
    "check_record",
    "clear_derm",
    "clear_derm_template",
    "contract_of",
    "external_section",
    "headline",
    "model_card",
    "predictions_table",
    "read_answers",
    "read_evaluation",
    "read_record",
    "read_results",
    "record_schema",
    "render_documents",
    "render_model",
    "render_run",
    "rendering_faults",
    "unfit_forms",
    "write_record",
]
