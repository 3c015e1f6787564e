package org.skinkeras.core

import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.round

/**
 * Makes the model's input of a frame, as `skinkeras.inputs.decode` made the training pictures: the largest
 * centred square of the upright picture; areas are averaged when shrinking, enlarging is bicubic.
 *
 * The arithmetic is that of OpenCV's `resize` for 8-bit pictures (`INTER_AREA`, `INTER_CUBIC`), rounding
 * included, because that is what the training pictures went through. The golden vectors of the tests hold the
 * difference to it.
 *
 * Not for several threads at once: it keeps its working memory, so that no frame allocates any.
 *
 * @param size height and width of the model's input, in pixels.
 */
class SquareResizer(val size: Int) {
    init {
        require(size > 0) { "The input size must be positive. Received: $size." }
    }

    private var bytes: ByteArray? = null
    private var areas: AreaTable? = null
    private val row = FloatArray(3 * size)
    private val sum = FloatArray(3 * size)

    /**
     * Writes (size, size, 3) values, RGB, whole numbers from 0 to 255, row by row, into `output`.
     *
     * @return `output`.
     */
    fun resize(frame: RgbaFrame, output: FloatArray = FloatArray(3 * size * size)): FloatArray {
        require(output.size == 3 * size * size) {
            "The output of a $size x $size input has ${3 * size * size} values. Received: ${output.size}."
        }
        val source = frame.bytes(bytes).also { bytes = it }
        val square = frame.square()
        when {
            square.side == size -> copy(source, square, output)
            square.side < size -> enlarge(source, square, output)
            square.side % size == 0 -> averageBlocks(source, square, output)
            else -> averageAreas(source, square, output)
        }
        return output
    }

    private fun copy(source: ByteArray, square: SquareView, output: FloatArray) {
        var index = 0
        for (y in 0 until size) {
            var place = square.origin + y * square.down
            for (x in 0 until size) {
                for (channel in 0..2) output[index++] = level(source, place + channel).toFloat()
                place += square.right
            }
        }
    }

    private fun averageBlocks(source: ByteArray, square: SquareView, output: FloatArray) {
        val factor = square.side / size
        val scale = 1f / (factor * factor)
        val sums = IntArray(3 * size)
        for (y in 0 until size) {
            sums.fill(0)
            for (sourceY in y * factor until (y + 1) * factor) {
                var place = square.origin + sourceY * square.down
                for (x in 0 until size) {
                    for (step in 0 until factor) {
                        for (channel in 0..2) sums[3 * x + channel] += level(source, place + channel)
                        place += square.right
                    }
                }
            }
            for (index in sums.indices) {
                // OpenCV rounds halves up in blocks of 2 x 2, and to even ones in all others.
                output[3 * size * y + index] =
                    if (factor == 2) ((sums[index] + 2) shr 2).toFloat() else round(sums[index] * scale)
            }
        }
    }

    private fun averageAreas(source: ByteArray, square: SquareView, output: FloatArray) {
        val table = areas?.takeIf { it.from == square.side } ?: AreaTable(square.side, size).also { areas = it }
        for (y in 0 until size) {
            for (entryY in table.first[y] until table.first[y + 1]) {
                averageRow(source, square.origin + table.source[entryY] * square.down, square.right, table)
                val weight = table.weight[entryY]
                if (entryY == table.first[y]) {
                    for (index in sum.indices) sum[index] = weight * row[index]
                } else {
                    for (index in sum.indices) sum[index] += weight * row[index]
                }
            }
            for (index in sum.indices) output[3 * size * y + index] = round(sum[index])
        }
    }

    private fun averageRow(source: ByteArray, start: Int, right: Int, table: AreaTable) {
        for (x in 0 until size) {
            var red = 0f
            var green = 0f
            var blue = 0f
            for (entry in table.first[x] until table.first[x + 1]) {
                val place = start + table.source[entry] * right
                val weight = table.weight[entry]
                red += weight * level(source, place)
                green += weight * level(source, place + 1)
                blue += weight * level(source, place + 2)
            }
            row[3 * x] = red
            row[3 * x + 1] = green
            row[3 * x + 2] = blue
        }
    }

    private fun enlarge(source: ByteArray, square: SquareView, output: FloatArray) {
        val table = CubicTable(square.side, size)
        // Fixed point, 11 bits for each direction, as OpenCV counts.
        val rows = Array(square.side) { y -> enlargedRow(source, square.origin + y * square.down, square.right, table) }
        for (y in 0 until size) {
            for (index in 0 until 3 * size) {
                var total = 0
                for (tap in 0..3) total += rows[table.source[4 * y + tap]][index] * table.weight[4 * y + tap]
                output[3 * size * y + index] = ((total + (1 shl 21)) shr 22).coerceIn(0, 255).toFloat()
            }
        }
    }

    private fun enlargedRow(source: ByteArray, start: Int, right: Int, table: CubicTable): IntArray {
        val result = IntArray(3 * size)
        for (x in 0 until size) {
            for (tap in 4 * x until 4 * x + 4) {
                val place = start + table.source[tap] * right
                for (channel in 0..2) result[3 * x + channel] += table.weight[tap] * level(source, place + channel)
            }
        }
        return result
    }

    private fun level(source: ByteArray, place: Int) = source[place].toInt() and 0xff
}

/** Which of `from` pixels, with what weight, make each of `to` fewer pixels: entries `first[i]` to `first[i + 1]`. */
private class AreaTable(val from: Int, to: Int) {
    val first = IntArray(to + 1)
    val source: IntArray
    val weight: FloatArray

    init {
        val sources = ArrayList<Int>()
        val weights = ArrayList<Float>()
        val scale = from.toDouble() / to
        fun add(place: Int, share: Double) {
            sources += place
            weights += share.toFloat()
        }
        for (index in 0 until to) {
            first[index] = sources.size
            val start = index * scale
            val end = start + scale
            val width = minOf(scale, from - start)
            val lastWhole = minOf(floor(end).toInt(), from - 1)
            val firstWhole = minOf(ceil(start).toInt(), lastWhole)
            // OpenCV leaves slivers under a thousandth of a pixel out.
            if (firstWhole - start > 1e-3) add(firstWhole - 1, (firstWhole - start) / width)
            for (place in firstWhole until lastWhole) add(place, 1 / width)
            if (end - lastWhole > 1e-3) add(lastWhole, minOf(end - lastWhole, 1.0, width) / width)
        }
        first[to] = sources.size
        source = sources.toIntArray()
        weight = weights.toFloatArray()
    }
}

/** The four of `from` pixels, with weights in 1/2048, that make each of `to` more pixels; edges are repeated. */
private class CubicTable(from: Int, to: Int) {
    val source = IntArray(4 * to)
    val weight = IntArray(4 * to)

    init {
        val scale = from.toDouble() / to
        for (index in 0 until to) {
            val centre = ((index + 0.5) * scale - 0.5).toFloat()
            val left = floor(centre).toInt()
            val weights = keys(centre - left)
            for (tap in 0..3) {
                source[4 * index + tap] = (left - 1 + tap).coerceIn(0, from - 1)
                weight[4 * index + tap] = round(weights[tap] * 2048).toInt()
            }
        }
    }

    /** Keys' cubic convolution kernel with a = -0.75, which is OpenCV's. */
    private fun keys(x: Float): FloatArray {
        val a = -0.75f
        val far = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a
        val near = ((a + 2) * x - (a + 3)) * x * x + 1
        val next = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1
        return floatArrayOf(far, near, next, 1 - far - near - next)
    }
}
