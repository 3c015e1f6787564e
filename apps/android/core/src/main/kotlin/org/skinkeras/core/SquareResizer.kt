package org.skinkeras.core

import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.round

/**
 * Makes the model's input of a frame, as `skinkeras.inputs.decode` made the training pictures: of the upright picture,
 * what the model's geometry takes; areas are averaged along a side that shrinks, one that grows is bicubic.
 *
 * The arithmetic is that of OpenCV's `resize` for 8-bit pictures (`INTER_AREA`, `INTER_CUBIC`), rounding
 * included, because that is what the training pictures went through. The golden vectors of the tests hold the
 * difference to it.
 *
 * Not for several threads at once: it keeps its working memory, so that no frame allocates any.
 *
 * @param size height and width of the model's input, in pixels.
 */
class SquareResizer(val size: Int, private val geometry: Geometry = Geometry.CROP) {
    init {
        require(size > 0) { "The input size must be positive. Received: $size." }
    }

    private var bytes: ByteArray? = null
    private var lastAcross: Taps? = null
    private var lastDown: Taps? = null
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
        val view = frame.view(geometry)
        val across = taps(view.across, lastAcross).also { lastAcross = it }
        val down = taps(view.down, lastDown).also { lastDown = it }
        when {
            across.block > 0 && down.block > 0 -> averageBlocks(source, view, across, down, output)
            view.across.framed <= size && view.down.framed <= size -> enlarge(source, view, across, down, output)
            else -> weigh(source, view, across, down, output)
        }
        return output
    }

    private fun taps(side: Side, last: Taps?) = last?.takeIf { it.side == side } ?: Taps(side, size)

    private fun averageBlocks(source: ByteArray, view: FrameView, across: Taps, down: Taps, output: FloatArray) {
        val scale = 1f / (across.block * down.block)
        val sums = IntArray(3 * size)
        for (y in 0 until size) {
            sums.fill(0)
            for (entryY in down.first[y] until down.first[y + 1]) {
                val start = view.origin + down.source[entryY] * view.stepDown
                for (x in 0 until size) {
                    for (entry in across.first[x] until across.first[x + 1]) {
                        val place = start + across.source[entry] * view.stepRight
                        for (channel in 0..2) sums[3 * x + channel] += level(source, place + channel)
                    }
                }
            }
            for (index in sums.indices) {
                // OpenCV rounds halves up in blocks of 2 x 2, and to even ones in all others.
                output[3 * size * y + index] = if (across.block == 2 && down.block == 2) {
                    ((sums[index] + 2) shr 2).toFloat()
                } else {
                    round(sums[index] * scale)
                }
            }
        }
    }

    private fun weigh(source: ByteArray, view: FrameView, across: Taps, down: Taps, output: FloatArray) {
        for (y in 0 until size) {
            sum.fill(0f)
            for (entryY in down.first[y] until down.first[y + 1]) {
                weighRow(source, view.origin + down.source[entryY] * view.stepDown, view.stepRight, across)
                val weight = down.weight[entryY]
                for (index in sum.indices) sum[index] += weight * row[index]
            }
            for (index in sum.indices) output[3 * size * y + index] = round(sum[index]).coerceIn(0f, 255f)
        }
    }

    private fun weighRow(source: ByteArray, start: Int, right: Int, across: Taps) {
        for (x in 0 until size) {
            var red = 0f
            var green = 0f
            var blue = 0f
            for (entry in across.first[x] until across.first[x + 1]) {
                val place = start + across.source[entry] * right
                val weight = across.weight[entry]
                red += weight * level(source, place)
                green += weight * level(source, place + 1)
                blue += weight * level(source, place + 2)
            }
            row[3 * x] = red
            row[3 * x + 1] = green
            row[3 * x + 2] = blue
        }
    }

    private fun enlarge(source: ByteArray, view: FrameView, across: Taps, down: Taps, output: FloatArray) {
        // Fixed point, 11 bits for each direction, as OpenCV counts.
        val rows = Array(view.down.length) { y ->
            enlargedRow(source, view.origin + y * view.stepDown, view.stepRight, across)
        }
        for (y in 0 until size) {
            for (index in 0 until 3 * size) {
                var total = 0
                for (entry in down.first[y] until down.first[y + 1]) {
                    total += rows[down.source[entry]][index] * fixed(down.weight[entry])
                }
                output[3 * size * y + index] = ((total + (1 shl 21)) shr 22).coerceIn(0, 255).toFloat()
            }
        }
    }

    private fun enlargedRow(source: ByteArray, start: Int, right: Int, across: Taps): IntArray {
        val result = IntArray(3 * size)
        for (x in 0 until size) {
            for (entry in across.first[x] until across.first[x + 1]) {
                val place = start + across.source[entry] * right
                val weight = fixed(across.weight[entry])
                for (channel in 0..2) result[3 * x + channel] += weight * level(source, place + channel)
            }
        }
        return result
    }

    private fun fixed(weight: Float) = round(weight * 2048).toInt()

    private fun level(source: ByteArray, place: Int) = source[place].toInt() and 0xff
}

/**
 * Which pixels of a side, with what weight, make each of `to` pixels: entries `first[i]` to `first[i + 1]`. What the
 * side is padded with is black, and has no entries.
 *
 * @property block how many whole pixels make one, each counted alike; 0 where that is not so.
 */
private class Taps(val side: Side, to: Int) {
    val block = if (side.framed % to == 0) side.framed / to else 0
    val first = IntArray(to + 1)
    val source: IntArray
    val weight: FloatArray

    private val sources = ArrayList<Int>()
    private val weights = ArrayList<Float>()

    init {
        for (index in 0 until to) {
            first[index] = sources.size
            if (side.framed >= to) addArea(index, side.framed.toDouble() / to) else addCubic(index, side.framed.toDouble() / to)
        }
        first[to] = sources.size
        source = sources.toIntArray()
        weight = weights.toFloatArray()
    }

    private fun add(place: Int, share: Float) {
        if (place - side.padding !in 0 until side.length) return
        sources += place - side.padding
        weights += share
    }

    private fun addArea(index: Int, scale: Double) {
        val from = side.framed
        val start = index * scale
        val end = start + scale
        val width = minOf(scale, from - start)
        val lastWhole = minOf(floor(end).toInt(), from - 1)
        val firstWhole = minOf(ceil(start).toInt(), lastWhole)
        // OpenCV leaves slivers under a thousandth of a pixel out.
        if (firstWhole - start > 1e-3) add(firstWhole - 1, ((firstWhole - start) / width).toFloat())
        for (place in firstWhole until lastWhole) add(place, (1 / width).toFloat())
        if (end - lastWhole > 1e-3) add(lastWhole, (minOf(end - lastWhole, 1.0, width) / width).toFloat())
    }

    /** Edges are repeated. */
    private fun addCubic(index: Int, scale: Double) {
        val centre = ((index + 0.5) * scale - 0.5).toFloat()
        val left = floor(centre).toInt()
        val weights = keys(centre - left)
        for (tap in 0..3) add((left - 1 + tap).coerceIn(0, side.framed - 1), weights[tap])
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
