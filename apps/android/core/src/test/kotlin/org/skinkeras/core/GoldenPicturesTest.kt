package org.skinkeras.core

import java.security.MessageDigest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class GoldenPicturesTest {
    private fun sha256(values: FloatArray) =
        MessageDigest.getInstance("SHA-256").digest(ByteArray(values.size) { values[it].toInt().toByte() })
            .joinToString("") { "%02x".format(it) }

    private fun withGolden(pictures: String) = ModelContract.parse(
        contractText("\"test\":" to "\"golden\": {\"tolerance\": 0.01, \"pictures\": [$pictures]}, \"test\":"), "x.json",
    )

    @Test
    fun `the pictures are those whose digest Python wrote`() {
        val digests = mapOf(
            "ramp" to "2a52853de97c7729d40dc8ac750916de373f7bee986ceaf36f7e50b2369b9a49",
            "round" to "6b42b9b8b571aeffde4bfd5089b3e019b47f02f5e2eb46a7775b68a4c49618a7",
            "irregular" to "653ebc35747052a30328b51db2c4c0cd55fb4609c9f9f8751bce2da000ea551f",
            "crossed" to "cfa4b184a6ee7861bfea122d851c7af75e129a5be14bc87c86ebd05d7fb8a2d3",
        )
        for ((name, digest) in digests) assertEquals(digest, sha256(GoldenPictures.draw(name, 192)!!), name)
        assertNull(GoldenPictures.draw("square", 192))
    }

    @Test
    fun `a phone that answers otherwise than the release is noticed`() {
        val contract = withGolden("""{"name": "ramp", "probabilities": [0.9, 0.1]}, {"name": "round", "probabilities": [0.4, 0.6]}""")
        val file = contract.files.getValue("int8")
        val released = mapOf(
            sha256(GoldenPictures.draw("ramp", 192)!!) to floatArrayOf(0.9f, 0.1f),
            sha256(GoldenPictures.draw("round", 192)!!) to floatArrayOf(0.4f, 0.6f),
        )
        assertTrue(file.answersAsReleased(192) { released.getValue(sha256(it)) })
        assertTrue(file.answersAsReleased(192) { image -> released.getValue(sha256(image)).let { floatArrayOf(it[0] + 0.009f, it[1] - 0.009f) } })
        assertFalse(file.answersAsReleased(192) { image -> released.getValue(sha256(image)).let { floatArrayOf(it[0] + 0.02f, it[1] - 0.02f) } })
        assertFalse(file.answersAsReleased(192) { floatArrayOf(Float.NaN, Float.NaN) })
        assertFalse(file.answersAsReleased(192) { floatArrayOf(0.9f) })
    }

    @Test
    fun `a release without golden pictures, or with unknown ones, is taken as it is`() {
        val none = ModelContract.parse(contractText(), "x.json").files.getValue("int8")
        assertTrue(none.answersAsReleased(192) { error("not asked") })
        val unknown = withGolden("""{"name": "from the future", "probabilities": [1, 0]}""").files.getValue("int8")
        assertTrue(unknown.answersAsReleased(192) { error("not asked") })
    }

    @Test
    fun `golden answers for other classes are refused`() {
        val error = assertThrows(ContractException::class.java) { withGolden("""{"name": "ramp", "probabilities": [1]}""") }
        assertEquals("x.json: files.int8.golden.pictures[0].probabilities must be one number a class.", error.message)
    }
}
