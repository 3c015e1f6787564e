package org.skinkeras.core

import java.security.MessageDigest
import kotlin.math.abs

/** The newest `schema_version` of the json that this code understands; files without the field are older. */
const val NEWEST_SCHEMA = 1

/**
 * What the json beside a model says about it, as far as an app needs it.
 *
 * @property size height and width of the input, in pixels.
 * @property geometry what of a picture is resized to it.
 * @property classes labels, in the order of the probabilities.
 * @property titles full name of each class; the label itself where the json has none.
 * @property malignancy of each class: `benign`, `premalignant` or `malignant`; null where the json does not say.
 * @property positive the class that the model decides about, by the threshold of the file that runs; null where it only
 * ranks its classes.
 * @property target what counts as positive, in words; null where the json does not say.
 * @property files the model's files that are there to run, by kind: `int8`, `float16`, ...
 */
class ModelContract private constructor(
    val name: String,
    val task: String,
    val synthetic: Boolean,
    val size: Int,
    val geometry: Geometry,
    val classes: List<String>,
    val titles: List<String>,
    val malignancy: List<String?>,
    val positive: Int?,
    val target: Target?,
    val files: Map<String, ModelFile>,
) {
    /** For the CPU: the integers, for which it is fastest. */
    val cpuFile: ModelFile get() = files.getValue(CPU_KINDS.first { it in files })

    /** For the GPU, which computes in floats: those if they are there. */
    val gpuFile: ModelFile get() = files.getValue(GPU_KINDS.first { it in files })

    /**
     * What a model with a threshold looks for.
     *
     * @property title a noun, such as melanoma.
     * @property notLookedFor titles of cancers that count as negative.
     */
    class Target internal constructor(val title: String, val notLookedFor: List<String>)

    /**
     * What a file reached on its test pictures; null or empty where the json does not say.
     *
     * @property pictures how many there were.
     * @property missRate share of positive pictures that the file calls negative.
     * @property falseAlarmRate share of negative pictures that the file calls positive.
     * @property balancedAccuracy share of right answers, each class counted alike.
     * @property recalls share of right answers among the pictures of a class, by class.
     * @property reliability how often a probability was true, from low to high ones; probabilities that no picture
     * had are in none of them.
     */
    class TestResults internal constructor(
        val pictures: Int?,
        val missRate: Double?,
        val falseAlarmRate: Double?,
        val balancedAccuracy: Double?,
        val recalls: Map<String, Double>,
        val reliability: List<Reliability>,
    )

    /**
     * Test pictures whose probability was at least `low` and below `high`: of the positive class, or, without one, of
     * the class that was named.
     *
     * @property pictures how many there were.
     * @property share of how many of them it was true.
     */
    class Reliability internal constructor(
        val low: Double,
        val high: Double,
        val pictures: Int,
        val share: Double,
    ) {
        operator fun contains(probability: Float) = probability >= low && (probability < high || high == 1.0)
    }

    /**
     * @property threshold a picture is called positive when the probability is at least this: the file's own, or else the
     * model's; null where the model only ranks its classes.
     * @property test null where the json has no such figures.
     */
    class ModelFile internal constructor(
        val file: String,
        private val sha256: String,
        val threshold: Double?,
        val test: TestResults?,
        private val golden: Golden?,
    ) {
        /** What the file answered to the golden pictures, by name, and how far a phone may be off. */
        internal class Golden(val tolerance: Double, val answers: Map<String, List<Double>>)

        /** @throws ContractException these are not the bytes that the json describes. */
        fun check(bytes: ByteArray) {
            val digest = MessageDigest.getInstance("SHA-256").digest(bytes)
            if (digest.joinToString("") { "%02x".format(it) } != sha256) {
                throw ContractException("$file is not the file that its json describes: copy both again.")
            }
        }

        /**
         * Whether `classify` gives the golden pictures the probabilities that they were released with; true where
         * the json has none.
         *
         * @param classify (size, size, 3) RGB values -> probabilities.
         */
        fun answersAsReleased(size: Int, classify: (FloatArray) -> FloatArray): Boolean =
            golden == null || golden.answers.all { (name, released) ->
                val picture = GoldenPictures.draw(name, size) ?: return@all true
                val answer = classify(picture)
                answer.size == released.size && answer.indices.all { abs(answer[it] - released[it]) <= golden.tolerance }
            }
    }

    /**
     * Orders what one of the model's files answered.
     *
     * @throws ContractException these are no probabilities of this model's classes.
     */
    fun read(file: ModelFile, probabilities: FloatArray): Reading {
        if (probabilities.size != classes.size) {
            throw ContractException("$name has ${classes.size} classes but answered ${probabilities.size} numbers.")
        }
        // The int8 output has steps of 1/256: the sum may be off by half a step a class.
        val slack = 0.01f + classes.size / 512f
        if (probabilities.any { !(it >= 0f && it <= 1f) } || probabilities.sum() !in 1 - slack..1 + slack) {
            throw ContractException("$name answered ${probabilities.toList()}, which are no probabilities.")
        }
        val ranked = probabilities.indices.sortedByDescending { probabilities[it] }
        // The comparison is made in float32, as NumPy makes it.
        val reached = if (positive == null) null else probabilities[positive] >= file.threshold!!.toFloat()
        val called = when (reached) {
            null -> ranked[0]
            true -> positive!!
            false -> ranked.first { it != positive }
        }
        return Reading(probabilities.copyOf(), ranked, called, reached)
    }

    companion object {
        private val BARE_NAME = Regex("[A-Za-z0-9][A-Za-z0-9._-]*")
        private val CPU_KINDS = listOf("int8", "float16", "float32")
        private val GPU_KINDS = listOf("float16", "float32", "int8")

        /**
         * The model to begin with: one that decides, if there is one, before those that only rank classes.
         */
        fun toBeginWith(models: List<ModelContract>): ModelContract? =
            models.firstOrNull { it.positive != null } ?: models.firstOrNull()

        /**
         * @param origin the json's file name, for the messages.
         * @throws ContractException the json is broken, or describes a model that this code cannot feed.
         */
        fun parse(text: String, origin: String): ModelContract {
            val json = JsonObject.parse(text, origin)
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
                target = if (json.has("target")) target(json.child("target")) else null,
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

        private fun threshold(json: JsonObject): Double {
            val threshold = json.number("threshold")
            if (!(threshold > 0 && threshold < 1)) json.fail("threshold", "must be above 0 and below 1")
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
                path,
                sha256,
                if (file.has("threshold")) threshold(file) else threshold,
                if (file.has("test")) test(file.child("test"), classes) else null,
                if (file.has("golden")) golden(file.child("golden"), classes.size) else null,
            )
        }

        private fun test(test: JsonObject, classes: List<String>): TestResults {
            fun figure(name: String) = if (test.has(name)) test.number(name) else null
            val perClass = if (test.has("per_class")) test.child("per_class") else null
            val measured = classes.filter { perClass != null && perClass.has(it) && perClass.child(it).has("recall") }
            return TestResults(
                pictures = figure("n")?.toInt(),
                missRate = figure("miss_rate"),
                falseAlarmRate = figure("false_alarm_rate"),
                balancedAccuracy = figure("balanced_accuracy"),
                recalls = measured.associateWith { perClass!!.child(it).number("recall") },
                reliability = if (test.has("reliability")) test.children("reliability").map(::reliability) else listOf(),
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
}

/**
 * What a model answered to a picture.
 *
 * @property probabilities in the order of the classes.
 * @property ranked classes, the most probable first.
 * @property called the class that the model names.
 * @property positive whether the threshold was reached; null for a model without one.
 */
class Reading(val probabilities: FloatArray, val ranked: List<Int>, val called: Int, val positive: Boolean?)
