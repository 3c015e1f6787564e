package org.skinkeras.core

import org.skinkeras.core.ModelContract.Band
import org.skinkeras.core.ModelContract.Companion.CPU_KINDS
import org.skinkeras.core.ModelContract.ErrorRates
import org.skinkeras.core.ModelContract.ModelFile
import org.skinkeras.core.ModelContract.Reliability
import org.skinkeras.core.ModelContract.Target
import org.skinkeras.core.ModelContract.TestResults

/** From the json beside a model to its contract: what this code could not feed or would misread is refused. */
internal object ContractReader {
    private val BARE_NAME = Regex("[A-Za-z0-9][A-Za-z0-9._-]*")

    // A score of 1 belongs to a band that reaches to the end: its upper end is above 1.
    private val ENDS = 0.0..1.01

    /** @throws ContractException the json describes a model that this code cannot feed. */
    fun read(json: JsonObject): ModelContract {
        if (json.has("schema_version") && json.number("schema_version") > NEWEST_SCHEMA) {
            json.fail("schema_version", "is newer than this app: update the app")
        }
        if (!json.flag("not_a_medical_device")) json.fail("not_a_medical_device", "must be true")
        val classes = classes(json)
        if (json.child("output").numbers("shape") != listOf(1.0, classes.size.toDouble())) {
            json.fail("output.shape", "must be [1, ${classes.size}], for the ${classes.size} classes")
        }
        val positive = positive(json, classes)
        return ModelContract(
            name = name(json),
            task = json.text("task"),
            synthetic = json.has("synthetic") && json.flag("synthetic"),
            size = size(json.child("input")),
            geometry = geometry(json.child("input")),
            classes = classes,
            titles = titles(json, classes),
            malignancy = malignancy(json, classes),
            positive = positive,
            target = json.childOrNull("target")?.let(::target),
            files = files(json, classes, if (positive == null) null else threshold(json)),
        )
    }

    private fun name(json: JsonObject): String {
        val name = json.text("name")
        if (!BARE_NAME.matches(name)) json.fail("name", "must be a name without folders")
        return name
    }

    private fun size(input: JsonObject): Int {
        val shape = input.numbers("shape")
        val size = shape.getOrElse(1) { 0.0 }
        if (shape != listOf(1.0, size, size, 3.0) || size !in 1.0..4096.0 || size % 1 != 0.0) {
            input.fail("shape", "must be [1, size, size, 3]")
        }
        if (input.text("dtype") != "float32") input.fail("dtype", "must be \"float32\"")
        if (input.text("colour") != "RGB") input.fail("colour", "must be \"RGB\"")
        if (input.numbers("range") != listOf(0.0, 255.0)) input.fail("range", "must be [0, 255]")
        return size.toInt()
    }

    /** Earlier files name none, and are cropped for. */
    private fun geometry(input: JsonObject): Geometry {
        if (!input.has("geometry")) return Geometry.CROP
        val word = input.text("geometry")
        return Geometry.entries.firstOrNull { it.word == word }
            ?: input.fail("geometry", "must be one of ${Geometry.entries.map { it.word }}")
    }

    private fun classes(json: JsonObject): List<String> {
        val classes = json.texts("classes")
        if (classes.size < 2 || classes.toSet().size < classes.size || classes.any { it.isBlank() }) {
            json.fail("classes", "must be at least two different labels")
        }
        return classes
    }

    private fun titles(json: JsonObject, classes: List<String>): List<String> {
        if (!json.has("class_titles")) return classes
        val titles = json.child("class_titles")
        return classes.map { if (titles.has(it)) titles.text(it) else it }
    }

    private fun malignancy(json: JsonObject, classes: List<String>): List<String?> {
        if (!json.has("malignancy")) return classes.map { null }
        val malignancy = json.child("malignancy")
        return classes.map { if (malignancy.has(it)) malignancy.text(it) else null }
    }

    private fun target(target: JsonObject) =
        Target(target.text("title"), if (target.has("not_looked_for")) target.texts("not_looked_for") else listOf())

    private fun positive(json: JsonObject, classes: List<String>): Int? {
        if (!json.has("positive_class")) {
            if (json.has("threshold")) json.fail("threshold", "needs a positive_class")
            return null
        }
        val positive = classes.indexOf(json.text("positive_class"))
        if (positive < 0) json.fail("positive_class", "must be one of $classes")
        return positive
    }

    private fun threshold(json: JsonObject, name: String = "threshold"): Double {
        val threshold = json.number(name)
        if (!(threshold > 0 && threshold < 1)) json.fail(name, "must be above 0 and below 1")
        return threshold
    }

    private fun files(json: JsonObject, classes: List<String>, threshold: Double?): Map<String, ModelFile> {
        val files = json.child("files")
        // Of a file that was not shipped the json has the figures, for comparison: there is nothing to run.
        val shipped = files.names.filter { kind ->
            val file = files.child(kind)
            !file.has("shipped") || file.flag("shipped")
        }
        if (CPU_KINDS.none { it in shipped }) json.fail("files", "must have one that is shipped, of the kinds $CPU_KINDS")
        return shipped.associateWith { file(files.child(it), classes, threshold) }
    }

    private fun file(file: JsonObject, classes: List<String>, threshold: Double?): ModelFile {
        val path = file.text("file")
        if (!BARE_NAME.matches(path)) file.fail("file", "must be a name without folders")
        if (threshold == null && file.has("threshold")) file.fail("threshold", "needs a positive_class")
        val sha256 = file.text("sha256")
        if (!Regex("[0-9a-f]{64}").matches(sha256)) file.fail("sha256", "must be 64 hexadecimal digits")
        return ModelFile(
            file = path,
            sha256 = sha256,
            threshold = if (file.has("threshold")) threshold(file) else threshold,
            operatingPoints = if (threshold == null) mapOf() else operatingPoints(file),
            notSure = if (threshold == null) null else notSure(file),
            test = file.childOrNull("test")?.let { test(it, classes) },
            withinClinic = file.childOrNull("strata")?.childOrNull("within_source")?.let(::withinClinic),
            golden = file.childOrNull("golden")?.let { golden(it, classes.size) },
        )
    }

    private fun operatingPoints(file: JsonObject): Map<String, Double> {
        val points = file.childOrNull("operating_points") ?: return mapOf()
        return points.names.associateWith { threshold(points, it) }
    }

    private fun notSure(file: JsonObject): Band? {
        if (!file.has("not_sure")) return null
        val ends = file.numbers("not_sure")
        if (ends.size != 2 || ends.any { it !in ENDS } || ends[0] > ends[1]) {
            file.fail("not_sure", "must be two scores, the lower one first")
        }
        return if (ends[0] < ends[1]) Band(ends[0], ends[1]) else null
    }

    private fun withinClinic(stratum: JsonObject): ErrorRates? {
        if (!stratum.has("malignant_recall") || !stratum.has("benign_recall")) return null
        return ErrorRates(1 - stratum.number("malignant_recall"), 1 - stratum.number("benign_recall"))
    }

    private fun errorRates(results: JsonObject): ErrorRates? {
        if (!results.has("miss_rate") || !results.has("false_alarm_rate")) return null
        return ErrorRates(results.number("miss_rate"), results.number("false_alarm_rate"))
    }

    private fun test(test: JsonObject, classes: List<String>): TestResults {
        fun figure(name: String) = if (test.has(name)) test.number(name) else null
        val perClass = test.childOrNull("per_class")
        val measured = classes.filter { perClass?.childOrNull(it)?.has("recall") == true }
        val points = test.childOrNull("operating_points")
        val rates = points?.names.orEmpty().mapNotNull { name -> points?.childOrNull(name)?.let(::errorRates)?.let { name to it } }
        return TestResults(
            pictures = figure("n")?.toInt(),
            errorRates = errorRates(test),
            balancedAccuracy = figure("balanced_accuracy"),
            recalls = measured.associateWith { perClass!!.child(it).number("recall") },
            reliability = if (test.has("reliability")) test.children("reliability").map(::reliability) else listOf(),
            operatingPoints = rates.toMap(),
        )
    }

    private fun reliability(row: JsonObject) =
        Reliability(row.number("low"), row.number("high"), row.number("n").toInt(), row.number("share"))

    private fun golden(golden: JsonObject, classes: Int) = ModelFile.Golden(
        golden.number("tolerance"),
        golden.children("pictures").associate {
            val probabilities = it.numbers("probabilities")
            if (probabilities.size != classes) it.fail("probabilities", "must be one number a class")
            it.text("name") to probabilities
        },
    )
}
