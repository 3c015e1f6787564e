package org.skinkeras.core

import java.util.Locale
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

private const val TARGET =
    """"target": {"classes": ["mel"], "title": "melanoma", "not_looked_for": ["basal cell carcinoma"]}, "positive_class""""

class WordingTest {
    private val melanoma = ModelContract.parse(contractText("\"positive_class\"" to TARGET), "x.json")
    private val seven = sevenClasses()
    private val synthetic = ModelContract.parse(contractText("\"synthetic\": false" to "\"synthetic\": true"), "x.json")

    private fun said(malignant: Float, contract: ModelContract = melanoma, file: ModelContract.ModelFile = contract.cpuFile) =
        Wording.result(contract, file, contract.read(file, floatArrayOf(1 - malignant, malignant)))

    private fun ranked(best: Int, share: Float) =
        Wording.result(seven, seven.cpuFile, seven.read(seven.cpuFile, FloatArray(7) { if (it == best) share else (1 - share) / 6 }))

    @Test
    fun `every sentence is the one that Python and the web page say`() {
        var compared = 0
        for (case in Golden.json.children("wording")) {
            val contract = ModelContract.parse(case.text("contract"), "golden.json")
            val file = contract.files.getValue(case.text("kind"))
            val point = if (case.has("operating_point")) case.text("operating_point") else null
            assertEquals(case.text("limits"), Wording.limits(contract, file, point))
            val titles = case.children("operating_points").map { (if (it.has("name")) it.text("name") else null) to it.text("title") }
            assertEquals(titles, Wording.operatingPoints(file).toList())
            for (row in case.children("answers")) {
                val probabilities = row.numbers("probabilities").map { it.toFloat() }.toFloatArray()
                val found = Wording.result(contract, file, contract.read(file, probabilities, point))
                assertEquals(row.text("verdict"), found.verdict)
                assertEquals(row.text("explanation"), found.explanation)
                compared++
            }
        }
        assertTrue(compared >= 20)
    }

    @Test
    fun `a verdict names what is looked for and the side of the line`() {
        assertEquals("Above the model's line for melanoma", said(0.62f).verdict)
        assertEquals("Score 62 of 100; the line is at 42. This is not a diagnosis: the model is often wrong.", said(0.62f).explanation)
        assertEquals("Below the model's line for melanoma", said(0f).verdict)
        assertEquals(
            "Score under 1 of 100; the line is at 42. The model does not look for other skin cancers, such as basal cell carcinoma. " +
                "A low score does not mean that a lesion is harmless.",
            said(0f).explanation,
        )
    }

    @Test
    fun `a file's own threshold is the one that is told and used`() {
        val own = SHIPPED.replace("\"file\":", "\"threshold\": 0.8, \"file\":")
        val contract = ModelContract.parse(contractText("\"int8\": {" to "$own\"int8\": {"), "x.json")
        assertTrue("the line is at 42." in said(0.7f, contract, contract.cpuFile).explanation)
        assertTrue("the line is at 80." in said(0.7f, contract, contract.gpuFile).explanation)
        assertTrue(said(0.7f, contract, contract.cpuFile).verdict.startsWith("Above"))
        assertTrue(said(0.7f, contract, contract.gpuFile).verdict.startsWith("Below"))
    }

    @Test
    fun `a class with less than half of the probability, or as much as another, is no answer`() {
        assertTrue(ranked(4, 0.4f).verdict.startsWith("Undecided"))
        assertEquals("Highest score: melanoma", ranked(4, 0.5f).verdict)
        val two = seven.read(seven.cpuFile, FloatArray(7) { if (it in 4..5) 0.5f else 0f })
        assertTrue(Wording.result(seven, seven.cpuFile, two).verdict.startsWith("Undecided"))
    }

    @Test
    fun `nothing that is said is a finding about a person, and nobody is called benign`() {
        val verdicts = (0..20).map { said(it / 20f) } + (0..6).flatMap { best -> listOf(ranked(best, 0.4f), ranked(best, 0.7f)) }
        val sentences = listOf(Wording.notADevice, Wording.reminder) + QualityIssue.entries.map { Wording.refusal(it) } +
            verdicts.map { it.explanation } + listOf(melanoma, seven, synthetic).flatMap { Wording.notes(onCpu(it)) }
        for (sentence in sentences) assertTrue(sentence.endsWith("."), sentence)
        for (text in sentences + verdicts.map { it.verdict } + Wording.title) {
            assertFalse(Regex("\\b(you|your|patient|diagnosed|healthy|benign|safe|picture)\\b", RegexOption.IGNORE_CASE).containsMatchIn(text), text)
        }
    }

    @Test
    fun `a score is never rounded to certainty, nor written with a comma`() {
        val before = Locale.getDefault()
        Locale.setDefault(Locale.GERMANY)
        try {
            assertEquals(listOf("under 1", "under 1", "50", "over 99", "over 99"), listOf(0.0, 0.009, 0.5, 0.991, 1.0).map { Wording.score(it) })
            assertEquals("14.8" to "15.0", Wording.scoreAndLine(0.1484, 0.1504))
            assertTrue("1,363 test images" in Wording.limits(melanoma, melanoma.cpuFile))
        } finally {
            Locale.setDefault(before)
        }
    }

    @Test
    fun `a model with a threshold has one bar, for what it looks for, and others one for each class`() {
        val reading = melanoma.read(melanoma.cpuFile, floatArrayOf(1f, 0f))
        val bar = Wording.bars(melanoma, melanoma.cpuFile, reading).single()
        assertEquals(listOf("Score for melanoma", "under 1", "Line at 42"), listOf(bar.title, bar.score, bar.note))
        val marked = sevenClasses("\"class_titles\"" to "\"malignancy\": {\"mel\": \"malignant\", \"nv\": \"benign\"}, \"class_titles\"")
        val bars = Wording.bars(marked, marked.cpuFile, marked.read(marked.cpuFile, FloatArray(7) { 1 / 7f }))
        assertEquals(listOf("melanoma (malignant)", "melanocytic nevus", "vasc"), bars.drop(4).map { it.title })
    }

    @Test
    fun `a bar tells where the chosen line is, and which scores are left undecided at the model's own`() {
        val contract = choices()
        fun note(point: String?) =
            Wording.bars(contract, contract.cpuFile, contract.read(contract.cpuFile, floatArrayOf(0.7f, 0.3f), point)).single().note
        assertEquals("Line at 42. Scores from 25 to 50 are left undecided.", note(null))
        assertEquals("Line at 13", note("sensitivity_95"))
    }

    @Test
    fun `another line changes what is said and saved of the same answer, and one that is not offered changes nothing`() {
        val contract = choices()
        val reading = contract.read(contract.cpuFile, floatArrayOf(0.7f, 0.3f))
        val read = Answer.Read(onCpu(contract), reading, Quality(120f, 0f, 0.5f, null), 1.0, 1.0)
        assertTrue(Wording.answer(read).verdict.startsWith("Not sure"))
        assertTrue("missed 25 %" in Wording.notes(read).single())
        val moved = read.at("sensitivity_95")
        assertTrue(Wording.answer(moved).verdict.startsWith("Above"))
        assertTrue("missed 6 %" in Wording.notes(moved).single())
        assertEquals("Fewer misses: set to find 95 %.", Wording.saved(moved).split("\n")[2])
        for (back in listOf(moved.at(null), moved.at("cost_5"))) assertEquals(Wording.saved(read), Wording.saved(back))
        val refused = Answer.Refused(onCpu(contract), Quality(20f, 0f, 0.5f, QualityIssue.TOO_DARK), 1.0)
        assertSame(refused, refused.at("sensitivity_95"))
    }

    @Test
    fun `figures that the json does not have are left out`() {
        val untested = ModelContract.parse(contractText("\"miss_rate\"" to "\"other\""), "x.json")
        assertEquals("", Wording.limits(untested, untested.cpuFile))
        val short = sevenClasses("per_class" to "other")
        assertTrue(Wording.limits(short, short.cpuFile).endsWith("weighted equally."))
    }

    @Test
    fun `a model that was trained on synthetic images says so under every answer`() {
        val sentence = "This model was trained on synthetic images: its scores say nothing about skin."
        assertEquals(sentence, Wording.notes(onCpu(synthetic))[0])
        assertFalse(sentence in Wording.notes(onCpu(melanoma)))
    }

    @Test
    fun `a saved image keeps the model's name and all that stood under the answer`() {
        val quality = Quality(120f, 0f, 0.5f, null)
        val read = Answer.Read(onCpu(synthetic), synthetic.read(synthetic.cpuFile, floatArrayOf(0.9f, 0.1f)), quality, 1.0, 1.0)
        val words = said(0.1f, synthetic)
        assertEquals(
            listOf("melanoma: ${words.verdict}", words.explanation) + Wording.notes(onCpu(synthetic)) + Wording.reminder,
            Wording.saved(read).split("\n"),
        )
        val refused = Answer.Refused(onCpu(melanoma), Quality(20f, 0f, 0.5f, QualityIssue.TOO_DARK), 1.0)
        assertTrue(Wording.saved(refused).startsWith("melanoma: Too dark to score"))
    }
}
