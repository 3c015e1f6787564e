package org.skinkeras.core

import java.util.Locale
import kotlin.math.roundToInt

/**
 * What the app says. It speaks of the model and of the picture, never of the person: no result is a finding.
 */
object Wording {
    const val NOT_A_DEVICE_TITLE = "Not a medical device"

    const val NOT_A_DEVICE =
        "This app shows what a small research model computes from a picture. It has not been validated clinically and " +
            "is not cleared by any authority. It must not be used to diagnose, to triage or to reassure anyone: " +
            "a low score does not mean that a lesion is harmless. Whoever worries about a lesion should see a physician. " +
            "Pictures stay on this phone: the app has no access to the network."

    const val REMINDER = "Not a diagnosis. Whoever worries about a lesion should see a physician."

    private const val LOW_SCORE = "A low score does not mean that a lesion is harmless."

    private const val ONLY_THESE = "It knows these classes only. " +
        "An answer that looks harmless does not mean that the lesion is harmless."

    // A class with less than half of the probability has the others together against it.
    private const val HALF = 0.5f

    /** Why a picture gets no answer, and what to do. */
    fun refusal(issue: QualityIssue): String = when (issue) {
        QualityIssue.TOO_DARK -> "Too dark to judge: switch on the light."
        QualityIssue.TOO_BRIGHT -> "Too bright to judge: avoid glare, or switch off the light."
        QualityIssue.BLURRED -> "Too blurred to judge: hold still, and tap to focus."
    }

    /** What became of a picture, in a few sentences. */
    fun answer(answer: Answer): String = when (answer) {
        is Answer.Refused -> refusal(answer.issue)
        is Answer.Read -> result(answer.model.contract, answer.model.file, answer.reading)
    }

    /** What is kept beside a saved picture: the same as on the screen, because it is read without it. */
    fun saved(answer: Answer): String {
        val said = "${answer.model.contract.name}: ${answer(answer)}"
        return (listOf(said) + notes(answer) + REMINDER).joinToString("\n")
    }

    /** What belongs under an answer: all that belongs under every answer of its model, and what this one is worth. */
    fun notes(answer: Answer): List<String> {
        val worth = if (answer is Answer.Read) worth(answer.model.contract, answer.model.file, answer.reading) else ""
        return (notes(answer.model) + worth).filter { it.isNotEmpty() }
    }

    /** What belongs under every answer of a model: what it learned from, and how often it was wrong. */
    fun notes(model: ModelInUse): List<String> =
        listOf(origin(model.contract), limits(model.contract, model.file)).filter { it.isNotEmpty() }

    /** What a file of the model made of a picture. */
    fun result(contract: ModelContract, file: ModelContract.ModelFile, reading: Reading): String {
        val positive = contract.positive ?: return ranking(contract, reading)
        val score = "The model gives this picture ${share(reading.probabilities[positive])} for ${contract.titles[positive]}"
        val threshold = share(file.threshold!!.toFloat())
        return if (reading.positive == true) {
            "$score: it reaches the threshold of $threshold."
        } else {
            "$score: below the threshold of $threshold. $LOW_SCORE"
        }
    }

    private fun ranking(contract: ModelContract, reading: Reading): String {
        val best = reading.probabilities[reading.ranked[0]]
        // Of two classes with the same probability, the order of the classes would choose.
        val undecided = best < HALF || best == reading.probabilities[reading.ranked[1]]
        val title = contract.titles[reading.called]
        val first = if (undecided) "Undecided: no class stands out. " else ""
        return "${first}Of ${contract.classes.size} classes the model ranks $title highest, with ${share(best)}. $ONLY_THESE"
    }

    /** A warning where the model never saw skin; empty otherwise. */
    fun origin(contract: ModelContract): String =
        if (contract.synthetic) "This model was trained on drawings, for a demonstration: its answers say nothing about skin." else ""

    /** How often the file was wrong in its test; empty where its json does not say. */
    fun limits(contract: ModelContract, file: ModelContract.ModelFile): String {
        val test = file.test ?: return ""
        val pictures = test.pictures?.let { "its $it test images" } ?: "its test images"
        val positive = contract.positive ?: return rankingLimits(contract, test, pictures)
        val missed = test.missRate ?: return ""
        val title = contract.titles[positive]
        val alarms = test.falseAlarmRate?.let { " and flagged ${percent(it)} of the others" } ?: ""
        return "Of $pictures it missed ${percent(missed)} of those labelled $title$alarms."
    }

    private fun rankingLimits(contract: ModelContract, test: ModelContract.TestResults, pictures: String): String {
        val right = test.balancedAccuracy ?: return ""
        val all = "Of $pictures it named ${percent(1 - right)} wrong, each class counted alike"
        val worst = test.recalls.minByOrNull { it.value } ?: return "$all."
        val title = contract.titles[contract.classes.indexOf(worst.key)]
        return "$all; of those labelled $title, ${percent(1 - worst.value)}."
    }

    /** How often such an answer was true in the file's test; empty where its json does not say. */
    fun worth(contract: ModelContract, file: ModelContract.ModelFile, reading: Reading): String {
        val positive = contract.positive
        val probability = reading.probabilities[positive ?: reading.ranked[0]]
        val row = file.test?.reliability?.firstOrNull { probability in it } ?: return ""
        return if (positive == null) {
            "Of the ${row.pictures} test images for which a class had ${row.range}, it was right for ${percent(row.share)}."
        } else {
            "Of the ${row.pictures} test images with ${row.range}, ${percent(row.share)} were labelled ${contract.titles[positive]}."
        }
    }

    /** A probability as people read it: two digits, and never a 0 or 1 that it is not. */
    fun share(probability: Float): String = when {
        probability > 0f && probability < 0.005f -> "under 0.01"
        probability < 1f && probability > 0.995f -> "over 0.99"
        else -> String.format(Locale.ROOT, "%.2f", probability)
    }

    private fun percent(share: Double): String = when {
        share > 0 && share < 0.005 -> "under 1 %"
        share < 1 && share > 0.995 -> "over 99 %"
        else -> "${(100 * share).roundToInt()} %"
    }
}
