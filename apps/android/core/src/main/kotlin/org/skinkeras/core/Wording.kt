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

    /** Why a picture gets no answer, and what to do. */
    fun refusal(issue: QualityIssue): String = when (issue) {
        QualityIssue.TOO_DARK -> "Too dark to judge: switch on the light."
        QualityIssue.TOO_BRIGHT -> "Too bright to judge: avoid glare, or switch off the light."
        QualityIssue.BLURRED -> "Too blurred to judge: hold still, and tap to focus."
    }

    /** What the model made of a picture, in one or two sentences. */
    fun result(contract: ModelContract, reading: Reading): String {
        val decision = contract.decision
        if (decision == null) {
            val best = reading.called
            return "Of ${contract.classes.size} classes the model ranks ${contract.titles[best]} highest, " +
                "with ${share(reading.probabilities[best])}."
        }
        val score = "The model gives this picture ${share(reading.probabilities[decision.positive])} for " +
            "${contract.titles[decision.positive]}"
        val threshold = share(decision.threshold.toFloat())
        return if (reading.positive == true) {
            "$score: it reaches the threshold of $threshold."
        } else {
            "$score: below the threshold of $threshold. $LOW_SCORE"
        }
    }

    /** How often the file was wrong in its test; empty where its json does not say. */
    fun limits(contract: ModelContract, file: ModelContract.ModelFile): String {
        val decision = contract.decision ?: return ""
        val missed = file.missRate ?: return ""
        val title = contract.titles[decision.positive]
        val alarms = file.falseAlarmRate?.let { " and flagged ${percent(it)} of the others" } ?: ""
        return "In its test it missed ${percent(missed)} of the pictures labelled $title$alarms."
    }

    /** A probability as people read it: two digits, and never a 0 or 1 that it is not. */
    fun share(probability: Float): String = when {
        probability > 0f && probability < 0.005f -> "under 0.01"
        probability < 1f && probability > 0.995f -> "over 0.99"
        else -> String.format(Locale.ROOT, "%.2f", probability)
    }

    private fun percent(share: Double) = "${(100 * share).roundToInt()} %"
}
