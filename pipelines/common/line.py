"""The line that every training job follows below `main`: train, fine-tune, evaluate, export, report.

What differs between jobs is asked of the task (`skinkeras.training.tasks`).
"""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from pipelines.common import calibrating, export, records, summary
from pipelines.common.console import console, progress_bar, say, section
from pipelines.common.run_folder import RunFolder
from pipelines.common.saved_models import load_models
from skinkeras import datasets, evaluation, layers, models, quantization, reports, tflite, training
from skinkeras.errors import DamagedFileError
from skinkeras.files.reading_json import read_json
from skinkeras.files.writing import replacing, write_json
from skinkeras.inputs.subsets import SplitImages


@dataclass(frozen=True)
class Repeat:
    """One split of the images, and where its models are kept.

    Attributes:
        number: from 1; the first one's model ships.
        folder: `RunFolder`.
        data: `SplitImages` with the classes that are learned.
    """

    number: int
    folder: RunFolder
    data: SplitImages

    @property
    def places(self):
        """The `training.TrainingPlaces` of the repeat."""
        folder = self.folder
        return training.TrainingPlaces(
            folder.state,
            folder.file("history.csv"),
            folder.file("logs"),
            say,
            console.is_terminal,
        )


@dataclass(frozen=True)
class Trainer:
    """Trains the models of a run.

    Attributes:
        task: `training.Task`.
        model: `groups.ModelOptions`, resolved.
        plan: `groups.TrainingOptions`, resolved.
        decisions: `groups.CalibrationOptions` or `DecisionOptions`.
    """

    task: training.Task
    model: object
    plan: object
    decisions: object

    def train(self, repeat):
        """Trains the repeat's float model into `model.keras`, unless that is there."""
        path = repeat.folder.file("model.keras")
        if path.exists():
            return
        training.free_memory()
        strategy = training.strategy_of(self.plan.strategy, self.plan.devices)
        keras.utils.set_random_seed(self.plan.seed)
        with strategy.scope():
            model = self._new_model(repeat.data)
            loss, loss_callbacks, weighting_callbacks = self.task.build_loss(repeat.data, self.plan.epochs)
            learner = self.task.training_model(model)
        training.set_precision(model, self.plan.precision)
        if self.plan.head_epochs:
            training.freeze(model)
            self._run(repeat, "head", learner, loss, loss_callbacks, model)
        training.unfreeze(model, self.model.weights)
        self._run(repeat, "all", learner, loss, [*loss_callbacks, *weighting_callbacks], model)
        write_json(repeat.folder.state / "loss.json", keras.losses.serialize(loss))
        training.set_precision(model, "float32")
        if strategy.num_replicas_in_sync > 1:
            weights, model = model.get_weights(), self._new_model(repeat.data)
            model.set_weights(weights)
        calibrating.calibrate(model, repeat, self.task, self.decisions, "float")
        repeat.folder.save_model(self.task.shipped_model(model, repeat.data), path)

    def fine_tune(self, repeat):
        """Fine-tunes the repeat's model for integers into `model_qat.keras`, unless that is there."""
        path = repeat.folder.file("model_qat.keras")
        if path.exists():
            return
        model, _ = load_models(repeat.folder)
        calibrating.uncalibrate(model, repeat.folder)
        loss, callbacks = self._loss_after_training(repeat)
        integers_from = models.parse_name(self.model.model).integers_from
        quantized = training.calibrated(
            model, repeat.data, self._phase("qat").seed, integers_from=integers_from
        )
        learner = self.task.fine_tuning_model(quantized)
        self._run(repeat, "qat", learner, loss, callbacks, quantized)
        quantization.round_biases(quantized)
        calibrating.calibrate(quantized, repeat, self.task, self.decisions, "QAT")
        repeat.folder.save_model(quantized, path)

    def _new_model(self, data):
        options = self.model
        return models.create(
            options.model,
            len(data.manifest.classes),
            input_size=options.image_size,
            weights=options.weights,
            dropout=options.dropout,
            feature_dropout=options.feature_dropout or 0.0,
            colour_constancy=_colour_constancy(options),
            **(
                {"taxonomy": self.task.taxonomy, "lstm_units": options.lstm_units}
                if self.task.hierarchical
                else {}
            ),
        )

    def _loss_after_training(self, repeat):
        """The loss as training left it, at the end of what its weighting does; and what moves it further."""
        saved = repeat.folder.state / "loss.json"
        if saved.exists():
            loss, callbacks = _saved_loss(saved, self.task)
        else:  # a run of the released version with several classes: its loss has no other state
            loss, callbacks, _ = self.task.build_loss(repeat.data, self.plan.epochs)
        self.task.before_fine_tuning(loss)
        return loss, callbacks

    def _phase(self, name):
        plan = self.plan
        epochs = {"head": plan.head_epochs, "all": plan.epochs, "qat": plan.qat_epochs}[name]
        rate, optimizer, precision = plan.learning_rate, plan.optimizer, plan.precision
        if name == "qat":
            rate, optimizer, precision = plan.qat_learning_rate, "one_cycle", "float32"
        seed = plan.seed + self.task.seeds[name]
        return training.Phase(
            *(name, epochs, rate, seed, optimizer, plan.augmentation, plan.batch_size, precision),
            data_service=plan.data_service,
        )

    def _run(self, repeat, name, learner, loss, callbacks, classifier):
        training.train_phase(
            learner,
            self._phase(name),
            repeat.data,
            loss,
            repeat.places,
            evaluate=self.task.epoch_metrics,
            loss_callbacks=callbacks,
            # A learner with the outputs of the levels is evaluated by the classes that they lead to.
            classifier=classifier if self.task.hierarchical else None,
        )


def train_and_ship(run, trainer, repeats, facts, *, exports, disturbs):
    """Everything from training to the last table.

    Args:
        run: `RunFolder`.
        trainer: `Trainer`.
        repeats: list of `Repeat`.
        facts: `records.RunFacts`, what the record says beside results.
        exports: whether integers are fine-tuned and files made.
        disturbs: whether the form that ships is also measured on disturbed test images.

    Raises:
        VerificationError: a file was refused; everything else of the run has been written.
    """
    task = trainer.task
    for repeat in repeats:
        position = f", split {repeat.number} of {len(repeats)}" if len(repeats) > 1 else ""
        section(f"Training {trainer.model.model} at {trainer.model.image_size} pixels{position}")
        trainer.train(repeat)
    if exports:
        section("Quantization-aware fine-tuning")
        trainer.fine_tune(repeats[0])
    section("Evaluation on the test images")
    results = [Evaluation(task, repeat) for repeat in repeats]
    for result in results:
        result.measure_models()
    record, refused = records.new_record(facts, task, results), {}
    # A file that is refused later costs neither record nor metrics.
    reports.write_record(run.file("record.json"), record)
    if exports:
        section("Export, verification, benchmark")
        files, refused = export.export_forms(run, repeats[0].folder, repeats[0].data, facts.info)
        results[0].measure_files(files)
        record = records.new_record(facts, task, results, files, refused)
    if disturbs:
        section("Robustness on disturbed test images")
        results[0].measure_robustness()
        record["robustness"] = results[0].robustness
    finish(run, repeats, results, record, facts.data.dataset.note)
    summary.print_results(run)


def finish(run, repeats, results, record, note):
    """Writes predictions, figures, the record and what is rendered from it; `card.md`, the last, ends the run."""
    for result in results:
        result.write_predictions()
    results[0].draw(run.figures, note)
    record = reports.write_record(run.file("record.json"), record)
    for repeat in repeats:
        repeat.folder.complete()  # its models are saved: resuming needs no more
    reports.render_run(record, run.path)


class Evaluation:
    """What every form of a repeat's model says about the test images.

    Attributes:
        repeat: `Repeat`.
        classes: names of the model's outputs.
        operating_points: {form: dict as a record has it, or None}; each chosen on validation images, if any.
        probabilities: {form: (n, classes)}, of the test images.
        results: {form: dict as a record has it}.
        shipped: `evaluation.ModelForm`, the last one measured.
        robustness: list of dicts as a record has it, of the form that ships; empty unless it was measured.
    """

    def __init__(self, task, repeat):
        self.task, self.repeat = task, repeat
        self.classes = repeat.data.output_classes
        self.operating_points, self.probabilities, self.results = {}, {}, {}
        self.shipped, self.robustness = None, []
        self.calibrations = calibrating.calibrations(repeat.folder)

    def measure_models(self):
        """Measures the float and, where there is one, the quantization-aware model."""
        model, quantized = load_models(self.repeat.folder)
        forms = [evaluation.ModelForm("float", model.predict_on_batch)]
        if quantized is not None:
            forms.append(evaluation.ModelForm("QAT", quantized.predict_on_batch))
        for form in forms:
            self._measure(form)

    def measure_files(self, files):
        """Measures exported files: {kind: `export.ExportedFile`}."""
        for kind, file in files.items():
            self._measure(evaluation.ModelForm(kind, tflite.Classifier(file.path).predict))

    def measure_robustness(self):
        """Measures the form that ships, the last one measured, on disturbed test images."""
        point, test = self.operating_point, self.repeat.data.subset("test")
        with progress_bar("Disturbing images") as progress:
            self.robustness = evaluation.measured_robustness(
                self.shipped,
                test,
                positive=self.task.positive_class is not None,
                threshold=point and point["threshold"],
                progress=progress,
            )

    @property
    def operating_point(self):
        """That of the form that ships: the last one measured."""
        return list(self.operating_points.values())[-1]

    def details(self):
        """What a record says of the last form measured, the one that ships."""
        form, scores = list(self.probabilities.items())[-1]
        return {"of": form, **self.task.details(self.repeat.data, scores, self.classes, self.operating_point)}

    def _measure(self, form):
        """Chooses the form's own operating point on validation images (if any), and measures it on test images.

        A threshold of one form need not suit another: fine-tuned integers can answer higher than the float
        model, at whose threshold they would then call everything malignant.
        """
        data, chosen_from = self.repeat.data, (None, None)
        if data.has_validation:
            validation = data.subset("validation")
            chosen_from = validation, evaluation.probabilities(form, validation)
        point, test = self.task.operating_point(*chosen_from), data.subset("test")
        scores = evaluation.probabilities(form, test)
        results = self.task.results(test, scores, self.classes, point)
        if form.name in self.calibrations:
            results["calibration"] = self.calibrations[form.name]
        if point:
            point["chosen_by"] = form.name
            results["operating_point"] = point
            _warn_of(form.name, point)
        self.shipped, self.operating_points[form.name] = form, point
        self.probabilities[form.name], self.results[form.name] = scores, results

    def write_predictions(self):
        """Writes `predictions.csv`, and in the format of the ISIC challenge where the classes are its own."""
        test = self.repeat.data.subset("test")
        labels = test.malignant if self.task.positive_class else test.labels
        images = pd.DataFrame(
            {
                "image_id": test.table["image_id"].to_numpy(),
                "image": test.table["image"].to_numpy(),
                "group": test.groups,
                "label": np.asarray(self.classes)[labels],
                **known_metadata(test.table),
            }
        )
        decisions = {
            form: self.task.decisions(scores, self.operating_points[form])
            for form, scores in self.probabilities.items()
        }
        table = reports.predictions_table(images, self.classes, self.probabilities, decisions)
        with replacing(self.repeat.folder.file("predictions.csv")) as temporary:
            table.to_csv(temporary, index=False)
        if evaluation.is_isic_challenge(self.classes):
            for form, scores in self.probabilities.items():
                path = self.repeat.folder.file(f"isic_submission_{form}.csv")
                evaluation.isic_submission(path, images["image_id"], scores, self.classes)

    def draw(self, folder, note):
        """Draws the figures into a folder."""
        self.task.figures(
            self.repeat.data.subset("test"),
            self.probabilities,
            self.results,
            self.classes,
            pd.read_csv(self.repeat.folder.file("history.csv")),
            folder,
            note,
        )
        if self.robustness:
            evaluation.robustness_plot(self.robustness, folder / "robustness.png", note)


def known_metadata(table):
    """{column: values} of what is known of the images beyond their labels, such as age or clinic."""
    known = (name for name in datasets.METADATA if name in table and table[name].notna().any())
    return {name: table[name].to_numpy() for name in known}


def _saved_loss(file, task):
    """The loss as `Trainer.train` wrote it, and what moves its state."""
    try:
        loss = keras.losses.deserialize(read_json(file))
        if not isinstance(loss, keras.losses.Loss):
            raise TypeError("it is no loss")
        return loss, task.loss_callbacks(loss)
    except Exception as error:  # whatever a damaged file breaks first
        raise DamagedFileError(
            f"{file} is damaged: delete it and {file.parent.parent / 'model.keras'} and resume, to make both anew "
            "from the saved states."
        ) from error


def _colour_constancy(options):
    """What `models.create` takes for the settings: a bool, or a layer that differs from the usual one."""
    if options.colour_constancy == "no":
        return False
    in_training, gamma = options.colour_constancy == "yes", options.constancy_gamma or 1.0
    return layers.ShadesOfGray(gamma=gamma, in_training=in_training, name="colour_constancy")


def _warn_of(form, operating_point):
    """Says so where the chosen threshold calls every image malignant."""
    if operating_point["threshold"] == 0:
        console.print(
            f"  {form}: no threshold is better on the validation images than calling everything malignant. The "
            "model cannot distinguish the classes: it is not fit to ship, and no release takes it.",
            style="bold red",
        )
