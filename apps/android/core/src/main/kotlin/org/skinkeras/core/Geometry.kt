package org.skinkeras.core

import kotlin.math.roundToInt

/** What of a picture is resized to a model's input; `word` is what its json says. */
enum class Geometry(val word: String) {
    /** The largest centred square. */
    CROP("crop"),

    /** The whole picture, whatever its shape. */
    SQUASH("squash"),

    /** The whole picture, centred on a black square of its longer side. */
    PAD("pad"),
}

/**
 * One side of what a geometry takes of a picture, in pixels.
 *
 * @property framed the whole side, as it is resized.
 * @property length how much of it the picture fills, after `padding` black pixels.
 * @property cut how many pixels of the picture are left out before that.
 */
data class Side(val framed: Int, val length: Int, val padding: Int, val cut: Int) {
    /** Which of `size` pixels, to which the side is resized, show the picture. */
    fun filled(size: Int): IntRange {
        fun resized(place: Int) = (place.toDouble() * size / framed).roundToInt()
        return resized(padding) until resized(padding + length)
    }

    companion object {
        fun of(length: Int, other: Int, geometry: Geometry): Side {
            val square = if (geometry == Geometry.PAD) maxOf(length, other) else minOf(length, other)
            val framed = if (geometry == Geometry.SQUASH) length else square
            val kept = minOf(length, framed)
            return Side(framed, kept, (framed - kept) / 2, (length - kept) / 2)
        }
    }
}
