"""The record of a run and what is rendered from it: metrics, model card, contract for apps, table of results."""

from skinkeras.reports.card import model_card
from skinkeras.reports.contract import contract_of
from skinkeras.reports.fitness import unfit_forms
from skinkeras.reports.headline import headline
from skinkeras.reports.record import check_record, read_record, record_schema, write_record
from skinkeras.reports.rendering import render_documents, render_model, render_run, rendering_faults
from skinkeras.reports.results import RepeatResults, RunResults, predictions_table, read_results

__all__ = [
    "RepeatResults",
    "RunResults",
    "check_record",
    "contract_of",
    "headline",
    "model_card",
    "predictions_table",
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
