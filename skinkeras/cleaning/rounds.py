"""The state of a cleaning: which training rows remain, and the ranking of every round."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from skinkeras.cleaning.plan import earlier_plan
from skinkeras.errors import DamagedFileError, RunError
from skinkeras.files.reading import check_regular
from skinkeras.files.reading_json import read_json
from skinkeras.files.writing import replacing, write_json

_KEYS = ["image_id", "variant", "label"]

_WHOLE = {"rank": "Int64", "fold": "Int64"}

#: Setting of a cleaning whose rows are ranked within folds; cleanings of earlier versions pooled the losses.
WITHIN_FOLDS = "ranked_within_folds"


class CleaningError(RunError):
    """A cleaning that cannot go on."""


class CleaningRounds:
    """Rounds of {rank the training rows by loss, remove the benign ones with the highest}, kept in a folder.

    Gilal et al. 2023, iterative refining. The folder holds `cleaning.json`, which describes what is cleaned
    and how, and `round_1.csv`, `round_2.csv`, ...: each row's loss and rank in that round and whether it was
    removed. What remains is computed from these files: a killed process continues after the last complete
    one.

    Only the rows in `table` are ranked, and only benign ones removed; held-out images are not in it.

    Attributes:
        folder: where the state is.
        table: the training rows, one an image or variant: `image_id`, `variant`, `label`.
        removals: list of int, how many benign rows each round removes.
        done: int, finished rounds.
    """

    def __init__(self, folder, table, plan, settings=None):
        """Begins in an empty folder, or goes on with what is there.

        Args:
            folder: where the state is, or will be.
            table: the training rows: `image_id`, `variant`, and `label`, "benign" or "malignant"; other
                columns, such as how a variant is blurred, must be the same when going on.
            plan: `CleaningPlan`; one with fewer rounds than the folder's uses its first ones.
            settings: dict of everything else that the rankings depend on, JSON-ready.

        Raises:
            ValueError: the plan does not suit these rows, or the folder holds the cleaning of other rows, or
                one with other settings; the message names the difference.
            DamagedFileError: a `ValueError`; a file of the cleaning is damaged.
        """
        self.folder = Path(folder)
        whole = pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes()
        self.table = table[_KEYS].reset_index(drop=True)
        self._benign = (self.table["label"] == "benign").to_numpy()
        self.removals = plan.removals(int(self._benign.sum()), int((~self._benign).sum()))
        self._facts = {
            "rows": len(self.table),
            "digest": hashlib.sha256(whole).hexdigest()[:16],
            "removals": self.removals,
            **(settings or {}),
        }
        if self._record_file.exists():
            self._go_on_as_begun(plan)
        self._check()
        self._rankings = []
        while len(self._rankings) < len(self.removals) and self._file(len(self._rankings) + 1).exists():
            self._rankings.append(self._read(len(self._rankings) + 1))

    @property
    def done(self):
        return len(self._rankings)

    @property
    def is_complete(self):
        """Whether all rounds are done."""
        return self.done == len(self.removals)

    def remaining(self, rounds=None):
        """(n,) bool: the rows that remain after this many rounds (None: all that are done)."""
        mask = np.ones(len(self.table), bool)
        for ranking in self._rankings[:rounds]:
            mask &= ~ranking["removed"].to_numpy()
        return mask

    def counts(self, rounds=None):
        """{"benign": int, "malignant": int, "ratio": float} after this many rounds."""
        left = self.remaining(rounds)
        benign, malignant = int((left & self._benign).sum()), int((left & ~self._benign).sum())
        return {"benign": benign, "malignant": malignant, "ratio": malignant / benign}

    def ranking(self, number):
        """The table of round `number` (from 1): `image_id`, `variant`, `label`, `loss`, `rank`, `removed`.

        `rank` is 1 at the highest loss; rows that were removed earlier have neither loss nor rank. Where rows were
        ranked within folds there is `fold`, too, and `rank` is 1 at the row that is highest in its own fold.
        """
        return self._rankings[number - 1]

    def record(self, losses, folds=None):
        """Finishes a round: removes its benign rows with the highest losses, and writes its ranking.

        Args:
            losses: (n,) float, the loss of each row; values of rows that are already removed are ignored. Of
                equal losses the earlier row is removed first.
            folds: (n,) int, which model each row's loss is of; None if all are of one. Models differ in how large
                their losses are: rows are then ranked by the share of their own fold's benign rows that have a higher
                loss, so that each fold loses its share of the benign rows.

        Raises:
            CleaningError: all rounds are done, or a remaining row's loss is not a finite number.
            OSError: the ranking could not be written.
        """
        if self.is_complete:
            raise CleaningError(f"All {self.done} rounds of the cleaning in {self.folder} are done.")
        left = self.remaining()
        losses = np.where(left, np.asarray(losses, float), np.nan)
        if not np.isfinite(losses[left]).all():
            raise CleaningError(
                f"Round {self.done + 1} of the cleaning has losses that are not finite: its training has "
                "diverged; lower the learning rate."
            )
        within_folds = folds is not None and self._facts.get(WITHIN_FOLDS)
        key = _share_above(losses, self._benign, np.where(left, folds, -1)) if within_folds else -losses
        order = np.argsort(key[left], kind="stable")
        ranked = np.flatnonzero(left)[order]
        removed = np.zeros(len(left), bool)
        removed[ranked[self._benign[ranked]][: self.removals[self.done]]] = True
        ranks = pd.Series(pd.NA, index=range(len(left)), dtype="Int64")
        ranks[ranked] = np.arange(1, len(ranked) + 1)
        ranking = self.table.assign(loss=losses, rank=ranks, removed=removed)
        if within_folds:
            ranking["fold"] = pd.Series(np.asarray(folds), dtype="Int64").where(left, pd.NA)
        if not self._record_file.exists():
            write_json(self._record_file, self._facts)
        with replacing(self._file(self.done + 1)) as temporary:
            ranking.to_csv(temporary, index=False)
        self._rankings.append(ranking)

    @property
    def _record_file(self):
        return self.folder / "cleaning.json"

    def _file(self, number):
        return self.folder / f"round_{number}.csv"

    def _read(self, number):
        try:
            check_regular(self._file(number))
            ranking = pd.read_csv(
                self._file(number),
                dtype={**dict.fromkeys(_KEYS, str), "loss": float, "removed": bool, **_WHOLE},
                keep_default_na=False,
                na_values={"loss": [""], **{key: [""] for key in _WHOLE}},
            )
            ranking = ranking[[*_KEYS, "loss", "rank", "removed", *(["fold"] if "fold" in ranking else [])]]
        except (ValueError, KeyError) as error:
            raise DamagedFileError(
                f"{self._file(number)} is damaged: delete it, to do that round and the later ones again."
            ) from error
        removed = int(ranking["removed"].sum())
        if not ranking[_KEYS].equals(self.table) or removed != self.removals[number - 1]:
            raise ValueError(
                f"{self._file(number)} is the ranking of another cleaning ({removed} of {len(ranking)} rows "
                f"removed, {self.removals[number - 1]} of {len(self.table)} planned): choose another folder."
            )
        return ranking

    def _recorded_facts(self):
        try:
            facts = read_json(self._record_file)
            list(facts["removals"])
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedFileError(
                f"{self._record_file} is damaged: delete {self.folder}, to clean again from the first round."
            ) from error
        return facts

    def _go_on_as_begun(self, plan):
        """Takes over what a cleaning of an earlier version did otherwise, so that it ends as it began."""
        theirs = self._recorded_facts()
        if WITHIN_FOLDS not in theirs:
            self._facts.pop(WITHIN_FOLDS, None)
        earlier = earlier_plan(plan)
        if earlier:
            removals = earlier.removals(int(self._benign.sum()), int((~self._benign).sum()))
            common = min(len(removals), len(theirs["removals"]))
            if removals[:common] == theirs["removals"][:common]:
                self.removals = self._facts["removals"] = removals

    def _check(self):
        if not self._record_file.exists():
            inside = self.folder / "cleaning"
            if (inside / self._record_file.name).exists():
                raise ValueError(f"{self.folder} holds no cleaning, but {inside} does.")
            if self.folder.exists() and any(path.name[0] != "." for path in self.folder.iterdir()):
                raise ValueError(f"{self.folder} is not empty and holds no cleaning: choose another folder.")
            return
        theirs = self._recorded_facts()
        mine = json.loads(json.dumps(self._facts))
        # A plan with fewer rounds than the folder's uses its first ones.
        common = min(len(mine["removals"]), len(theirs["removals"]))
        for facts in (mine, theirs):
            facts["removals"] = facts["removals"][:common]
        for name in sorted(set(mine) | set(theirs)):
            if mine.get(name) != theirs.get(name):
                raise ValueError(
                    f"{self.folder} holds a cleaning with {name}={theirs.get(name)}, this one has "
                    f"{name}={mine.get(name)}: choose another folder, or the settings it was made with."
                )


def _share_above(losses, benign, folds):
    """(n,) float: for each row, the share of the benign rows of its fold that have a higher loss."""
    share = np.full(len(losses), np.nan)
    for fold in np.unique(folds[folds >= 0]):
        rows = np.flatnonzero(folds == fold)
        theirs = np.sort(losses[rows[benign[rows]]])
        above = len(theirs) - np.searchsorted(theirs, losses[rows], side="right")
        share[rows] = (above + 0.5) / max(len(theirs), 1)
    return share
