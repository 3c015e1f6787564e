package org.skinkeras.core

/** A json file that cannot be used; the message is one sentence that says where and why. */
class ContractException(message: String) : Exception(message)

/**
 * Reads one strict JSON text (RFC 8259): objects become `Map`, arrays `List`, numbers `Double`.
 *
 * A reader of its own, because this module has no dependency: it must build wherever a Kotlin compiler is. It is
 * stricter than most: a repeated name, anything behind the value and nesting deeper than 64 are errors.
 *
 * @param origin name of the file, for the messages.
 * @throws ContractException the text is no JSON.
 */
fun parseJson(text: String, origin: String): Any? = JsonReader(text, origin).whole()

private const val DEEPEST = 64

private class JsonReader(private val text: String, private val origin: String) {
    private var at = 0

    fun whole(): Any? {
        val value = value(0)
        skipSpace()
        if (at < text.length) fail("unexpected '${text[at]}' behind the end")
        return value
    }

    private fun value(depth: Int): Any? {
        if (depth > DEEPEST) fail("nested deeper than $DEEPEST")
        skipSpace()
        return when (val start = peek()) {
            '{' -> members(depth)
            '[' -> elements(depth)
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            else -> if (start == '-' || start in '0'..'9') number() else fail("unexpected '$start'")
        }
    }

    private fun members(depth: Int): Map<String, Any?> {
        val result = LinkedHashMap<String, Any?>()
        items('}') {
            if (peek() != '"') fail("a name in quotes was expected")
            val name = string()
            if (name in result) fail("\"$name\" stands there twice")
            skipSpace()
            take(':')
            result[name] = value(depth + 1)
        }
        return result
    }

    private fun elements(depth: Int): List<Any?> {
        val result = ArrayList<Any?>()
        items(']') { result += value(depth + 1) }
        return result
    }

    private fun items(end: Char, item: () -> Unit) {
        at++
        skipSpace()
        if (peek() == end) {
            at++
            return
        }
        while (true) {
            skipSpace()
            item()
            skipSpace()
            if (peek() == end) {
                at++
                return
            }
            take(',')
        }
    }

    private fun string(): String {
        at++
        val result = StringBuilder()
        while (true) {
            val next = peek()
            at++
            when {
                next == '"' -> return result.toString()
                next == '\\' -> result.append(escaped())
                next < ' ' -> fail("a control character inside a text")
                else -> result.append(next)
            }
        }
    }

    private fun escaped(): Char {
        val mark = peek()
        at++
        return when (mark) {
            '"', '\\', '/' -> mark
            'b' -> '\b'
            'f' -> '\u000c'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> {
                val digits = text.substring(at, minOf(at + 4, text.length))
                if (!Regex("[0-9a-fA-F]{4}").matches(digits)) fail("\\u without four hexadecimal digits")
                at += 4
                digits.toInt(16).toChar()
            }
            else -> fail("unknown escape \\$mark")
        }
    }

    private fun number(): Double {
        val match = NUMBER.matchAt(text, at) ?: fail("a number was expected")
        at = match.range.last + 1
        val value = match.value.toDouble()
        return if (value.isInfinite()) fail("the number ${match.value} is too large") else value
    }

    private fun <T> word(word: String, value: T): T {
        if (!text.startsWith(word, at)) fail("unexpected '${text[at]}'")
        at += word.length
        return value
    }

    private fun skipSpace() {
        while (at < text.length && text[at] in " \t\r\n") at++
    }

    private fun peek(): Char = if (at < text.length) text[at] else fail("it ends too early, perhaps cut off")

    private fun take(expected: Char) {
        if (peek() != expected) fail("'$expected' was expected, not '${text[at]}'")
        at++
    }

    private fun fail(what: String): Nothing {
        val line = text.substring(0, minOf(at, text.length)).count { it == '\n' } + 1
        throw ContractException("$origin is no JSON: line $line, $what.")
    }

    private companion object {
        val NUMBER = Regex("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")
    }
}

/** The members of a JSON object, with a type; errors name the file and the path, such as `x.json: input.shape`. */
class JsonObject private constructor(private val members: Map<*, *>, private val origin: String, private val path: String) {
    val names: List<String> get() = members.keys.map { it as String }

    /** Whether there is such a member that is not null. */
    fun has(name: String) = members[name] != null

    fun text(name: String): String = typed(name, "a text")

    fun number(name: String): Double = typed(name, "a number")

    fun flag(name: String): Boolean = typed(name, "true or false")

    fun child(name: String) = JsonObject(typed<Map<*, *>>(name, "an object"), origin, "$path$name.")

    /** Null where there is no such member, or it is null. */
    fun childOrNull(name: String): JsonObject? = if (has(name)) child(name) else null

    fun texts(name: String): List<String> = list(name, "a list of texts")

    fun numbers(name: String): List<Double> = list(name, "a list of numbers")

    fun children(name: String): List<JsonObject> =
        list<Map<*, *>>(name, "a list of objects").mapIndexed { index, it -> JsonObject(it, origin, "$path$name[$index].") }

    fun fail(name: String, what: String): Nothing = throw ContractException("$origin: $path$name $what.")

    private inline fun <reified T> list(name: String, kind: String): List<T> =
        typed<List<*>>(name, kind).map { it as? T ?: fail(name, "must be $kind") }

    private inline fun <reified T> typed(name: String, kind: String): T =
        if (name !in members) fail(name, "is missing") else members[name] as? T ?: fail(name, "must be $kind")

    companion object {
        /** @throws ContractException the text is no JSON, or no object. */
        fun parse(text: String, origin: String) = JsonObject(
            parseJson(text, origin) as? Map<*, *> ?: throw ContractException("$origin holds no JSON object."), origin, "",
        )
    }
}
