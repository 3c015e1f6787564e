package org.skinkeras.core

import java.util.Locale
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class WordingTest {
    private val binary = ModelContract.parse(contractText(), "x.json")

    private fun said(malignant: Float) = Wording.result(binary, binary.cpuFile, binary.read(binary.cpuFile, floatArrayOf(1 - malignant, malignant)))

    @Test
    fun `a result speaks of the model and of the picture`() {
        assertEquals("The model gives this picture 0.62 for malignant: it reaches the threshold of 0.42.", said(0.62f))
        assertEquals(
            "The model gives this picture 0.10 for malignant: below the threshold of 0.42. " +
                "A low score does not mean that a lesion is harmless.",
            said(0.1f),
        )
    }

    @Test
    fun `a file's own threshold is the one that is told and used`() {
        val own = SHIPPED.replace("\"file\":", "\"threshold\": 0.8, \"file\":")
        val contract = ModelContract.parse(contractText("\"int8\": {" to "$own\"int8\": {"), "x.json")
        fun said(file: ModelContract.ModelFile) =
            Wording.result(contract, file, contract.read(file, floatArrayOf(0.3f, 0.7f)))
        assertEquals("The model gives this picture 0.70 for malignant: it reaches the threshold of 0.42.", said(contract.cpuFile))
        assertEquals(
            "The model gives this picture 0.70 for malignant: below the threshold of 0.80. " +
                "A low score does not mean that a lesion is harmless.",
            said(contract.gpuFile),
        )
    }

    private val seven = sevenClasses()

    private fun ranked(best: Int, share: Float) =
        Wording.result(seven, seven.cpuFile, seven.read(seven.cpuFile, FloatArray(7) { if (it == best) share else (1 - share) / 6 }))

    @Test
    fun `a ranking says that it knows its classes only, and that none of them is all-clear`() {
        assertEquals(
            "Of 7 classes the model ranks melanocytic nevus highest, with 0.70. It knows these classes only. " +
                "An answer that looks harmless does not mean that the lesion is harmless.",
            ranked(5, 0.7f),
        )
    }

    @Test
    fun `a class with less than half of the probability, or as much as another, is no answer`() {
        assertEquals(
            "Undecided: no class stands out. Of 7 classes the model ranks melanoma highest, with 0.40. " +
                "It knows these classes only. An answer that looks harmless does not mean that the lesion is harmless.",
            ranked(4, 0.4f),
        )
        assertFalse(ranked(4, 0.5f).startsWith("Undecided"))
        val two = seven.read(seven.cpuFile, FloatArray(7) { if (it in 4..5) 0.5f else 0f })
        assertTrue(Wording.result(seven, seven.cpuFile, two).startsWith("Undecided"))
    }

    @Test
    fun `nothing that is said is a finding about a person`() {
        val everything = listOf(Wording.NOT_A_DEVICE_TITLE, Wording.NOT_A_DEVICE, Wording.REMINDER) +
            QualityIssue.entries.map { Wording.refusal(it) } +
            (0..20).map { said(it / 20f) } +
            (0..6).flatMap { best -> listOf(ranked(best, 0.4f), ranked(best, 0.7f)) } +
            listOf(binary, seven, drawn).flatMap { Wording.notes(onCpu(it)) }
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
        assertEquals("Of its 1363 test images it missed 42 % of those labelled malignant and flagged 14 % of the others.", Wording.limits(binary, file))
        val rare = ModelContract.parse(contractText("0.4155844" to "0.004", "\"n\": 1363, " to ""), "x.json")
        assertEquals("Of its test images it missed under 1 % of those labelled malignant and flagged 14 % of the others.", Wording.limits(rare, rare.cpuFile))
        val untested = ModelContract.parse(contractText("\"miss_rate\"" to "\"other\""), "x.json")
        assertEquals("", Wording.limits(untested, untested.files.getValue("int8")))
    }

    @Test
    fun `of several classes, all together and the worst are told`() {
        assertEquals(
            "Of its 1363 test images it named 27 % wrong, each class counted alike; of those labelled melanoma, 42 %.",
            Wording.limits(seven, seven.cpuFile),
        )
        val short = sevenClasses("per_class" to "other")
        assertEquals("Of its 1363 test images it named 27 % wrong, each class counted alike.", Wording.limits(short, short.cpuFile))
        val untested = sevenClasses("\"balanced_accuracy\"" to "\"other\"")
        assertEquals("", Wording.limits(untested, untested.cpuFile))
    }

    private val rows = """"reliability": [{"low": 0, "high": 0.05, "n": 766, "share": 0.019}, {"low": 0.6, "high": 0.8, "n": 63, "share": 0.397},
        {"low": 0.8, "high": 1, "n": 68, "share": 0.632}]"""

    @Test
    fun `what an answer is worth is how often it was true in the test`() {
        val contract = ModelContract.parse(contractText("\"n\": 1363" to "\"n\": 1363, $rows"), "x.json")
        fun worth(malignant: Float) =
            Wording.worth(contract, contract.cpuFile, contract.read(contract.cpuFile, floatArrayOf(1 - malignant, malignant)))
        assertEquals("Of the 63 test images with 0.60 to 0.80, 40 % were labelled malignant.", worth(0.6f))
        assertEquals("Of the 68 test images with 0.80 to 1.00, 63 % were labelled malignant.", worth(0.8f))
        assertEquals(worth(0.8f), worth(1f))
        assertEquals("", worth(0.5f)) // which no test image had
        assertEquals("", Wording.worth(binary, binary.cpuFile, binary.read(binary.cpuFile, floatArrayOf(0.1f, 0.9f))))
        val ranking = sevenClasses("\"n\": 1363" to "\"n\": 1363, $rows")
        val reading = ranking.read(ranking.cpuFile, FloatArray(7) { if (it == 5) 0.7f else 0.05f })
        assertEquals(
            "Of the 63 test images for which a class had 0.60 to 0.80, it was right for 40 %.",
            Wording.worth(ranking, ranking.cpuFile, reading),
        )
    }

    private val drawn = ModelContract.parse(contractText("\"synthetic\": false" to "\"synthetic\": true"), "x.json")

    @Test
    fun `a model that was trained on drawings says so under every answer`() {
        val sentence = "This model was trained on drawings, for a demonstration: its answers say nothing about skin."
        assertEquals(sentence, Wording.notes(onCpu(drawn))[0])
        assertFalse(sentence in Wording.notes(onCpu(binary)))
    }

    @Test
    fun `a saved picture keeps the model's name and all that stood under the answer`() {
        val quality = Quality(120f, 0f, 0.5f, null)
        val read = Answer.Read(onCpu(drawn), drawn.read(drawn.cpuFile, floatArrayOf(0.9f, 0.1f)), quality, 1.0, 1.0)
        assertEquals(
            "melanoma: ${said(0.1f)}\n" +
                "This model was trained on drawings, for a demonstration: its answers say nothing about skin.\n" +
                "Of its 1363 test images it missed 42 % of those labelled malignant and flagged 14 % of the others.\n" +
                Wording.REMINDER,
            Wording.saved(read),
        )
        val tested = ModelContract.parse(contractText("\"n\": 1363" to "\"n\": 1363, $rows"), "x.json")
        val told = Answer.Read(onCpu(tested), tested.read(tested.cpuFile, floatArrayOf(0.1f, 0.9f)), quality, 1.0, 1.0)
        assertTrue("Of the 68 test images with 0.80 to 1.00, 63 % were labelled malignant." in Wording.saved(told))
        val refused = Answer.Refused(onCpu(binary), Quality(20f, 0f, 0.5f, QualityIssue.TOO_DARK), 1.0)
        assertTrue(Wording.saved(refused).startsWith("melanoma: Too dark to judge"))
    }
}
