package org.skinkeras.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

class JsonTest {
    @Test
    fun `values of every kind are read`() {
        val text = """ {"a": [1, -2.5e-3, true, false, null], "b": {"c": "x\"\\\/\n\u00e4\ud83d\ude00"}, "d": [], "e": {}} """
        val expected = mapOf(
            "a" to listOf(1.0, -0.0025, true, false, null),
            "b" to mapOf("c" to "x\"\\/\nä😀"),
            "d" to emptyList<Any>(),
            "e" to emptyMap<String, Any>(),
        )
        assertEquals(expected, parseJson(text, "x.json"))
    }

    @ParameterizedTest
    @ValueSource(
        strings = [
            "", "{", "[1,]", "{\"a\":1,}", "[1 2]", "{a:1}", "{'a':1}", "01", "+1", ".5", "1.", "NaN", "-Infinity", "1e999", "nul",
            "\"a", "\"\t\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "{} {}", "{\"a\":1,\"a\":2}", "[1]//", "-", "tru", "[\"a\":1]",
        ],
    )
    fun `what is no strict JSON is refused in a sentence`(text: String) {
        val message = assertThrows(ContractException::class.java) { parseJson(text, "x.json") }.message!!
        assertEquals("x.json is no JSON: line 1, ", message.substring(0, 27))
        assertEquals('.', message.last())
    }

    @Test
    fun `nesting without end is refused, not a crash`() {
        assertThrows(ContractException::class.java) { parseJson("[".repeat(100_000), "x.json") }
    }

    @Test
    fun `the message names the line`() {
        val error = assertThrows(ContractException::class.java) { parseJson("{\n\"a\": 1\n\"b\": 2}", "x.json") }
        assertEquals("x.json is no JSON: line 3, ',' was expected, not '\"'.", error.message)
    }
}
