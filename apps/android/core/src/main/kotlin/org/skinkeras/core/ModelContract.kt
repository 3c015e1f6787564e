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
class ModelContract internal constructor(
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
     * @property errorRates at the model's own line.
     * @property balancedAccuracy share of right answers, each class counted alike.
     * @property recalls share of right answers among the pictures of a class, by class.
     * @property reliability how often a probability was true, from low to high ones; probabilities that no picture
     * had are in none of them.
     * @property operatingPoints error rates at the file's operating points, by name.
     */
    class TestResults internal constructor(
        val pictures: Int?,
        val errorRates: ErrorRates?,
        val balancedAccuracy: Double?,
        val recalls: Map<String, Double>,
        val reliability: List<Reliability>,
        val operatingPoints: Map<String, ErrorRates>,
    )

    /** Share of positive pictures that a file calls negative, and of negative ones that it calls positive. */
    class ErrorRates internal constructor(val missed: Double, val flagged: Double)

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
     * @property threshold the model's own line: a picture is called positive when the probability is at least this. The
     * file's own, or else the model's; null where the model only ranks its classes.
     * @property operatingPoints thresholds that other rules chose, by name; empty where the model only ranks its classes.
     * @property notSure probabilities that the file leaves undecided at the model's own line; null where there are none.
     * @property test null where the json has no such figures.
     * @property withinClinic error rates at the model's own line, compared within a clinic, because pooled ones mostly
     * tell clinics apart; null where the json has no such figures.
     */
    class ModelFile internal constructor(
        val file: String,
        private val sha256: String,
        val threshold: Double?,
        val operatingPoints: Map<String, Double>,
        val notSure: Band?,
        val test: TestResults?,
        val withinClinic: ErrorRates?,
        private val golden: Golden?,
    ) {
        /** The threshold at an operating point, of which null is the model's own line. */
        fun thresholdAt(operatingPoint: String?): Double? =
            if (operatingPoint == null) threshold else operatingPoints.getValue(operatingPoint)

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

    /** From `low` to below `high`, compared in float32, as the models compute. */
    class Band internal constructor(val low: Double, val high: Double) {
        operator fun contains(probability: Float) = probability >= low.toFloat() && probability < high.toFloat()
    }

    /**
     * Orders what one of the model's files answered.
     *
     * @param operatingPoint one of the file's; null: the model's own line, at which the file may be not sure.
     * @throws ContractException these are no probabilities of this model's classes.
     */
    fun read(file: ModelFile, probabilities: FloatArray, operatingPoint: String? = null): Reading {
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
        val reached = if (positive == null) null else probabilities[positive] >= file.thresholdAt(operatingPoint)!!.toFloat()
        val called = when (reached) {
            null -> ranked[0]
            true -> positive!!
            false -> ranked.first { it != positive }
        }
        val sure = positive == null || operatingPoint != null || file.notSure?.contains(probabilities[positive]) != true
        return Reading(probabilities.copyOf(), ranked, called, reached, sure, operatingPoint)
    }

    companion object {
        internal val CPU_KINDS = listOf("int8", "float16", "float32")
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
        fun parse(text: String, origin: String): ModelContract = ContractReader.read(JsonObject.parse(text, origin))
    }
}

/**
 * What a model answered to a picture.
 *
 * @property probabilities in the order of the classes.
 * @property ranked classes, the most probable first.
 * @property called the class that the model names.
 * @property positive whether the threshold was reached; null for a model without one.
 * @property sure false where the probability lies among those that the file leaves undecided.
 * @property operatingPoint at which of the file's thresholds; null: the model's own line.
 */
class Reading(
    val probabilities: FloatArray,
    val ranked: List<Int>,
    val called: Int,
    val positive: Boolean?,
    val sure: Boolean,
    val operatingPoint: String?,
)
