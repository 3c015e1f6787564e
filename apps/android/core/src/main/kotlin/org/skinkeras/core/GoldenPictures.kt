package org.skinkeras.core

/**
 * The images that every release was tried on, drawn byte for byte as `skinkeras.tflite.golden` defines
 * them. A phone that gets other probabilities for them hands over wrong pixels or runs the file wrongly.
 */
object GoldenPictures {
    private class Ellipse(val cx: Long, val cy: Long, val rx: Long, val ry: Long, vararg val colour: Int)

    private class Drawn(val background: IntArray, vararg val ellipses: Ellipse)

    private val drawn = mapOf(
        "round" to Drawn(
            intArrayOf(208, 150, 140),
            Ellipse(50, 50, 20, 17, 96, 60, 48),
            Ellipse(52, 47, 9, 8, 60, 36, 40),
        ),
        "irregular" to Drawn(
            intArrayOf(230, 180, 170),
            Ellipse(40, 65, 20, 10, 40, 28, 30),
            Ellipse(60, 55, 20, 30, 40, 28, 30),
            Ellipse(40, 35, 15, 15, 40, 28, 30),
            Ellipse(55, 60, 10, 25, 60, 36, 40),
        ),
        "crossed" to Drawn(
            intArrayOf(194, 169, 166),
            Ellipse(53, 51, 23, 10, 170, 110, 90),
            Ellipse(54, 36, 9, 35, 40, 28, 30),
            Ellipse(50, 41, 35, 7, 30, 20, 20),
            Ellipse(61, 50, 35, 7, 170, 110, 90),
            Ellipse(54, 64, 3, 35, 110, 110, 130),
        ),
    )

    /** (size, size, 3) RGB values, 0..255; null for a name that this code does not know. */
    fun draw(name: String, size: Int): FloatArray? = when (name) {
        "ramp" -> ramp(size)
        else -> drawn[name]?.let { grained(it, size) }
    }

    private fun ramp(size: Int): FloatArray {
        val last = size - 1
        return pixels(size) { x, y -> intArrayOf(x * 255 / last, y * 255 / last, (x + y) * 255 / (2 * last)) }
    }

    private fun grained(picture: Drawn, size: Int): FloatArray {
        val values = pixels(size) { x, y ->
            picture.ellipses.lastOrNull { covers(it, x, y, size) }?.colour ?: picture.background
        }
        var state = 1
        for (index in values.indices) {
            state = 1664525 * state + 1013904223 // modulo 2^32, by overflow
            values[index] += ((state ushr 24) / 16 - 8).toFloat()
        }
        return values
    }

    private fun covers(ellipse: Ellipse, x: Int, y: Int, size: Int): Boolean {
        val across = (100L * x - ellipse.cx * size) * ellipse.ry
        val down = (100L * y - ellipse.cy * size) * ellipse.rx
        val radius = ellipse.rx * ellipse.ry * size
        return across * across + down * down <= radius * radius
    }

    private fun pixels(size: Int, colour: (x: Int, y: Int) -> IntArray): FloatArray {
        val values = FloatArray(3 * size * size)
        for (y in 0 until size) for (x in 0 until size) {
            val rgb = colour(x, y)
            for (channel in 0..2) values[3 * (y * size + x) + channel] = rgb[channel].toFloat()
        }
        return values
    }
}
