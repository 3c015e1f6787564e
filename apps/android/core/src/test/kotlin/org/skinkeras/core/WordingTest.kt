package org.skinkeras.core

import java.util.Locale
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class WordingTest {
    private val binary = ModelContract.parse(contractText(), "x.json")

    private fun said(malignant: Float) = Wording.result(binary, binary.read(floatArrayOf(1 - malignant, malignant)))

    @Test
    fun `a result speaks of the model and of the picture`() {
        assertEquals("The model gives this picture 0.62 for malignant: it reaches the threshold of 0.42.", said(0.62f))
        assertEquals(
            "The model gives this picture 0.10 for malignant: below the threshold of 0.42. " +
                "A low score does not mean that a lesion is harmless.",
            said(0.1f),
        )
        val seven = sevenClasses()
        assertEquals(
            "Of 7 classes the model ranks melanocytic nevus highest, with 0.70.",
            Wording.result(seven, seven.read(FloatArray(7) { if (it == 5) 0.7f else 0.05f })),
        )
    }

    @Test
    fun `nothing that is said is a finding about a person`() {
        val seven = sevenClasses()
        val everything = listOf(Wording.NOT_A_DEVICE_TITLE, Wording.NOT_A_DEVICE, Wording.REMINDER) +
            QualityIssue.entries.map { Wording.refusal(it) } +
            (0..20).map { said(it / 20f) } +
            (0..6).map { best -> Wording.result(seven, seven.read(FloatArray(7) { if (it == best) 0.7f else 0.05f })) }
        for (sentence in everything) {
            assertFalse(Regex("\\b(you|your|patient|diagnosed|healthy|cancer|safe)\\b", RegexOption.IGNORE_CASE).containsMatchIn(sentence), sentence)
            assertTrue(sentence.endsWith(".") || sentence == Wording.NOT_A_DEVICE_TITLE, sentence)
        }
    }

    @Test
    fun `a share is never rounded to certainty, nor written with a comma`() {
        val before = Locale.getDefault()
        Locale.setDefault(Locale.GERMANY)
        try {
            assertEquals(listOf("0.00", "under 0.01", "0.50", "over 0.99", "1.00"), listOf(0f, 0.001f, 0.5f, 0.9999f, 1f).map { Wording.share(it) })
        } finally {
            Locale.setDefault(before)
        }
    }

    @Test
    fun `the file's own error rates are told where they were measured`() {
        val file = binary.files.getValue("int8")
        assertEquals("In its test it missed 42 % of the pictures labelled malignant and flagged 14 % of the others.", Wording.limits(binary, file))
        val untested = ModelContract.parse(contractText("\"miss_rate\"" to "\"other\""), "x.json")
        assertEquals("", Wording.limits(untested, untested.files.getValue("int8")))
    }
}
