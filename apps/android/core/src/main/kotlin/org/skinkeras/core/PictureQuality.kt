package org.skinkeras.core

/** Why a picture is not shown to the model. */
enum class QualityIssue { TOO_DARK, TOO_BRIGHT, BLURRED }

/**
 * @property brightness mean luma of the central half of the picture, 0..255.
 * @property clipped share of pixels there with all three channels at 250 or more.
 * @property blur 0 (sharp) to 1, see [PictureQuality].
 */
class Quality(val brightness: Float, val clipped: Float, val blur: Float, val issue: QualityIssue?)

/**
 * Tells pictures that a model cannot judge: too dark, too bright, too blurred.
 *
 * Measured on the model's input, after resizing: blur that the model cannot see does no harm, and the limits hold
 * for every camera. Blur is how much of the difference between neighbours is left when the picture is blurred once
 * more, by averaging three pixels: the idea of Crété et al. 2007 (*The blur effect: perception and estimation with a
 * new no-reference perceptual blur metric*), with squares for their magnitudes, so that the rounding of the pixels
 * counts little. It depends little on what the picture shows. Noise looks sharp: a noisy picture out of focus can
 * pass.
 *
 * The limits were set on dermoscopy images of 192 and 320 pixels and hold for 128 too, see README.md.
 */
class PictureQuality(
    val darkest: Float = 45f,
    val brightest: Float = 220f,
    val mostClipped: Float = 0.1f,
    val mostBlur: Float = 0.75f,
) {
    /**
     * @param input (size, size, 3) RGB values, 0..255.
     * @param filled the part of it that shows the picture; the rest is black.
     */
    fun judge(input: FloatArray, size: Int, filled: Filled = Filled(0 until size, 0 until size)): Quality {
        require(size >= 4 && input.size == 3 * size * size) {
            "A picture of $size x $size pixels does not have ${input.size} values, or is too small to judge."
        }
        // Luma of Rec. 601.
        val luma = FloatArray(size * size) {
            0.299f * input[3 * it] + 0.587f * input[3 * it + 1] + 0.114f * input[3 * it + 2]
        }
        val (brightness, clipped) = exposure(input, luma, size, filled)
        val (columns, rows) = filled.columns to filled.rows
        val blur = maxOf(
            blur(luma, rows.first * size + columns.first..rows.last * size + columns.first step size, columns.count(), 1),
            blur(luma, rows.first * size + columns.first..rows.first * size + columns.last, rows.count(), size),
        )
        val issue = when {
            brightness < darkest -> QualityIssue.TOO_DARK
            brightness > brightest || clipped > mostClipped -> QualityIssue.TOO_BRIGHT
            blur > mostBlur -> QualityIssue.BLURRED
            else -> null
        }
        return Quality(brightness, clipped, blur, issue)
    }

    private fun exposure(input: FloatArray, luma: FloatArray, size: Int, filled: Filled): Pair<Float, Float> {
        val (columns, rows) = half(filled.columns) to half(filled.rows)
        var sum = 0.0
        var clipped = 0
        for (y in rows) for (x in columns) {
            val pixel = y * size + x
            sum += luma[pixel]
            if (minOf(input[3 * pixel], input[3 * pixel + 1], input[3 * pixel + 2]) >= 250f) clipped++
        }
        val count = columns.count() * rows.count()
        return (sum / count).toFloat() to clipped.toFloat() / count
    }

    /** The middle of a range. */
    private fun half(range: IntRange) = (range.count() / 4).let { range.first + it..range.last - it }

    /** Blur along the lines that start at `starts`, of `length` pixels that are `step` apart. */
    private fun blur(luma: FloatArray, starts: IntProgression, length: Int, step: Int): Float {
        var differences = 0.0
        var left = 0.0
        for (start in starts) {
            for (index in 2 until length - 1) {
                val place = start + index * step
                val difference = luma[place] - luma[place - step]
                // The same difference after averaging three neighbours: all but the outer two cancel.
                val averaged = (luma[place + step] - luma[place - 2 * step]) / 3
                differences += difference * difference
                left += averaged * averaged
            }
        }
        return if (differences == 0.0) 1f else (left / differences).toFloat()
    }
}
