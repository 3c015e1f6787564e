package org.skinkeras.core

import java.util.Locale
import kotlin.math.floor
import kotlin.math.pow

/**
 * What the app says: the sentences of `wording.json`, a copy of `skinkeras/tflite/wording.json`, filled in by the rules
 * of `wording.py` beside it. They speak of the model and of the image, never of the person: no result is a finding.
 */
object Wording {
    /** An answer in words; the explanation may be empty. */
    class Said(val verdict: String, val explanation: String)

    /** One bar: what it is the score of, the score, and a note below it, which may be empty. */
    class Bar(val title: String, val score: String, val probability: Float, val note: String)

    private const val MOST_DIGITS = 3

    // A class with less than half of the probability has the others together against it.
    private const val HALF = 0.5f

    private val sentences: JsonObject by lazy {
        val file = checkNotNull(Wording::class.java.getResource("/wording.json")) { "wording.json is not in the app." }
        JsonObject.parse(file.readText(), "wording.json")
    }

    private val placeholder = Regex("\\{(\\w+)\\}")

    val title: String get() = words("not_a_device")

    /** What has to be accepted before the first use. */
    val notADevice: String get() =
        listOf("this_app", "limits_of_use", "low_score", "see_a_doctor", "not_a_chance", "stays_on_phone").joinToString(" ") { words(it) }

    /** What stands under every answer. */
    val reminder: String get() = "$title. ${words("see_a_doctor")}"

    /** Why an image gets no answer, and what to do. */
    fun refusal(issue: QualityIssue): String = when (issue) {
        QualityIssue.TOO_DARK -> words("dark")
        QualityIssue.TOO_BRIGHT -> words("bright")
        QualityIssue.BLURRED -> words("blurred")
    }

    /** What became of an image. */
    fun answer(answer: Answer): Said = when (answer) {
        is Answer.Refused -> Said(refusal(answer.issue), words("unfit"))
        is Answer.Read -> result(answer.model.contract, answer.model.file, answer.reading)
    }

    /** What is kept beside a saved image: the same as on the screen, because it is read without it. */
    fun saved(answer: Answer): String {
        val said = answer(answer)
        val lines = listOf("${answer.model.contract.name}: ${said.verdict}", said.explanation, chosenLine(answer)) +
            notes(answer) + reminder
        return lines.filter { it.isNotEmpty() }.joinToString("\n")
    }

    private fun chosenLine(answer: Answer): String {
        val point = (answer as? Answer.Read)?.reading?.operatingPoint ?: return ""
        return "${pointTitle(point, answer.model.file.operatingPoints.getValue(point))}."
    }

    /** What belongs under an answer: what its model learned from, and how often it was wrong. */
    fun notes(answer: Answer): List<String> = notes(answer.model, (answer as? Answer.Read)?.reading?.operatingPoint)

    /** What belongs under every answer of a model at an operating point. */
    fun notes(model: ModelInUse, operatingPoint: String? = null): List<String> =
        listOf(origin(model.contract), limits(model.contract, model.file, operatingPoint)).filter { it.isNotEmpty() }

    /** What a file of the model says about an image. */
    fun result(contract: ModelContract, file: ModelContract.ModelFile, reading: Reading): Said {
        val said = when {
            contract.positive == null -> ranked(contract, reading)
            reading.sure -> decided(contract, file, reading)
            else -> undecided(contract, file, reading)
        }
        return Said(said.verdict, "${said.explanation} ${reliability(contract, file, reading)}".trim())
    }

    private fun decided(contract: ModelContract, file: ModelContract.ModelFile, reading: Reading): Said {
        val (score, line) = scoreAndLine(contract, file, reading)
        val reached = reading.positive == true
        return Said(
            words(if (reached) "above" else "below", "target" to targetTitle(contract)),
            words("score_and_line", "score" to score, "line" to line) + " " +
                if (reached) words("often_wrong") else lowScoreNote(contract),
        )
    }

    private fun undecided(contract: ModelContract, file: ModelContract.ModelFile, reading: Reading): Said {
        val (score, line) = scoreAndLine(contract, file, reading)
        val facts = words("score_and_line", "score" to score, "line" to line)
        return Said(
            words("not_sure", "target" to targetTitle(contract)),
            "$facts ${bandText(file.notSure!!)} ${lowScoreNote(contract)}",
        )
    }

    private fun scoreAndLine(contract: ModelContract, file: ModelContract.ModelFile, reading: Reading) =
        scoreAndLine(reading.probabilities[contract.positive!!].toDouble(), file.thresholdAt(reading.operatingPoint)!!)

    private fun bandText(band: ModelContract.Band) =
        words("not_sure_band", "low" to fixed(100 * band.low, 0), "high" to fixed(minOf(100 * band.high, 100.0), 0))

    /**
     * The operating points of a file by their titles, the model's own line (null) first, less those whose line is that of
     * the model; empty where the model only ranks its classes.
     */
    fun operatingPoints(file: ModelContract.ModelFile): Map<String?, String> {
        if (file.threshold == null) return mapOf()
        val others = file.operatingPoints.filterValues { it != file.threshold }.mapValues { (name, line) -> pointTitle(name, line) }
        return mapOf<String?, String>(null to words("own_line")) + others
    }

    private fun pointTitle(name: String, threshold: Double): String {
        val kind = name.substringBeforeLast('_', "")
        return when {
            kind == "fixed" -> words("point_fixed", "line" to fixed(100 * threshold, 0))
            sentences.has("point_$kind") -> words("point_$kind", "number" to name.substringAfterLast('_'))
            name == "balanced_accuracy" -> words("point_balanced_accuracy")
            else -> name.replace('_', ' ')
        }
    }

    private fun lowScoreNote(contract: ModelContract): String {
        val others = contract.target?.notLookedFor.orEmpty()
        val note = words("low_score")
        return if (others.isEmpty()) note else "${words("not_looked_for", "others" to others.joinToString(" or "))} $note"
    }

    private fun ranked(contract: ModelContract, reading: Reading): Said {
        val best = reading.probabilities[reading.ranked[0]]
        // Of two classes with the same probability, the order of the classes would choose.
        val undecided = best < HALF || best == reading.probabilities[reading.ranked[1]]
        val title = markedTitle(contract, reading.called)
        val facts = words("ranked", "n" to "${contract.classes.size}", "class" to title, "score" to score(best.toDouble()))
        return Said(if (undecided) words("undecided") else words("highest", "class" to title), "$facts ${words("only_these")}")
    }

    /** One bar for what a model with a threshold looks for, else one for each class. */
    fun bars(contract: ModelContract, file: ModelContract.ModelFile, reading: Reading): List<Bar> {
        if (contract.positive == null) {
            return contract.classes.indices.map {
                val probability = reading.probabilities[it]
                Bar(markedTitle(contract, it), score(probability.toDouble()), probability, "")
            }
        }
        val probability = reading.probabilities[contract.positive]
        val (score, line) = scoreAndLine(contract, file, reading)
        val title = words("score_for", "target" to targetTitle(contract))
        val note = words("line_at", "line" to line)
        val band = file.notSure.takeIf { reading.operatingPoint == null } ?: return listOf(Bar(title, score, probability, note))
        return listOf(Bar(title, score, probability, "$note. ${bandText(band)}"))
    }

    /** A warning where the model never saw skin; empty otherwise. */
    fun origin(contract: ModelContract): String = if (contract.synthetic) words("synthetic") else ""

    /**
     * How often the file was wrong in its test; empty where its json does not say. At the model's own line within a
     * clinic, where that is known: pooled figures mostly tell clinics apart.
     */
    fun limits(contract: ModelContract, file: ModelContract.ModelFile, operatingPoint: String? = null): String {
        val test = file.test
        val images = test?.pictures?.let { words("images", "n" to counted(it)) } ?: words("images_uncounted")
        if (contract.positive == null) return rankedLimits(contract, test, images)
        val within = file.withinClinic.takeIf { operatingPoint == null }
        val pooled = if (operatingPoint == null) test?.errorRates else test?.operatingPoints?.get(operatingPoint)
        val rates = within ?: pooled ?: return ""
        return words(
            if (within == null) "limits" else "limits_within_clinic",
            "images" to images,
            "missed" to percent(rates.missed),
            "flagged" to percent(rates.flagged),
            "target" to targetTitle(contract),
        )
    }

    private fun rankedLimits(contract: ModelContract, test: ModelContract.TestResults?, images: String): String {
        val right = test?.balancedAccuracy ?: return ""
        val all = words("ranked_limits", "images" to images, "right" to percent(right))
        val worst = test.recalls.minByOrNull { it.value } ?: return all
        val title = contract.titles[contract.classes.indexOf(worst.key)]
        return "$all ${words("worst_class", "class" to title, "right" to percent(worst.value))}"
    }

    /** How often such a score was right on the file's test images; empty where its json does not say. */
    fun reliability(contract: ModelContract, file: ModelContract.ModelFile, reading: Reading): String {
        val probability = reading.probabilities[contract.positive ?: reading.ranked[0]]
        val row = file.test?.reliability?.firstOrNull { probability in it } ?: return ""
        val facts = arrayOf(
            "n" to counted(row.pictures), "low" to fixed(100 * row.low, 0), "high" to fixed(100 * row.high, 0),
            "share" to percent(row.share),
        )
        if (contract.positive == null) return words("ranked_reliability", *facts)
        return words("reliability", *facts, "target" to targetTitle(contract))
    }

    private fun targetTitle(contract: ModelContract): String =
        contract.target?.title ?: words("unnamed_target", "class" to contract.titles[contract.positive!!])

    private fun markedTitle(contract: ModelContract, index: Int): String {
        val malignancy = contract.malignancy[index]
        if (malignancy != "malignant" && malignancy != "premalignant") return contract.titles[index]
        return words("marked_class", "class" to contract.titles[index], "mark" to words(malignancy))
    }

    /** A probability as a score of 100: never a 0 or 100 that may be due to rounding. */
    fun score(probability: Double, digits: Int = 0): String {
        val unit = 10.0.pow(-digits)
        return when {
            100 * probability < unit -> words("under", "bound" to fixed(unit, digits))
            100 * probability > 100 - unit -> words("over", "bound" to fixed(100 - unit, digits))
            else -> fixed(100 * probability, digits)
        }
    }

    /** A score and the model's line, with as few digits as show on which side of it the score is. */
    fun scoreAndLine(probability: Double, threshold: Double): Pair<String, String> {
        val onTheLine = probability.toFloat() == threshold.toFloat()
        val digits = (0..MOST_DIGITS).firstOrNull {
            val line = fixed(100 * threshold, it)
            line.toDouble() !in listOf(0.0, 100.0) && (fixed(100 * probability, it) != line || onTheLine)
        } ?: MOST_DIGITS
        return score(probability, digits) to fixed(100 * threshold, digits)
    }

    private fun percent(share: Double): String =
        words("percent", "number" to if (share == 0.0 || share == 1.0) fixed(100 * share, 0) else score(share))

    private fun counted(number: Int) = String.format(Locale.US, "%,d", number)

    /** Rounded half up: the same digits as in Python and JavaScript, in every language of the phone. */
    private fun fixed(value: Double, digits: Int): String {
        val scale = 10.0.pow(digits).toLong()
        val units = floor(value * scale + 0.5).toLong()
        return if (digits == 0) "$units" else "${units / scale}.${(units % scale).toString().padStart(digits, '0')}"
    }

    /** A sentence with its placeholders filled in. */
    private fun words(name: String, vararg facts: Pair<String, String>): String {
        val values = facts.toMap()
        return placeholder.replace(sentences.text(name)) { values.getValue(it.groupValues[1]) }
    }
}
