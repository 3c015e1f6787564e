"""How the binary and the cleaning job begin."""

from pipelines.common.cleaning import cleaning_rounds
from pipelines.common.console import section
from pipelines.common.data import load_data, record_data
from pipelines.common.settings import cleaning_plan, oversampling
from pipelines.common.training import set_up_keras
from skinkeras import inputs


def begin(settings, folder):
    """Reads and checks all that the job needs; only when nothing is wrong does the folder become a run.

    Args:
        settings: `JobSettings`, resolved.
        folder: `RunFolder`, checked.

    Returns:
        `Data`, and the `CleaningRounds` as far as they have come (None without cleaning).

    Raises:
        ValueError, OSError: something about the settings or the data is wrong.
    """
    set_up_keras(settings.seed, settings.deterministic)
    section("Data")
    policy, plan = oversampling(settings), cleaning_plan(settings)
    data = load_data(settings, folder.file("split.csv"), policy, plan)
    rounds = cleaning_rounds(settings, data, folder)
    if settings.materialise:
        inputs.check_materialised(data.variants, settings.materialise)
    folder.begin(settings)
    record_data(settings, data, folder)
    return data, rounds
