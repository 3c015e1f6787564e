package org.skinkeras.core

import java.nio.Buffer
import java.nio.ByteBuffer

/**
 * A picture of 8-bit RGBA pixels as a camera or a decoder delivers it: with padding behind its rows, and
 * perhaps lying on its side.
 *
 * @param pixels read from index 0 on, whatever its position; the padding of the last row may be missing.
 * @param rowStride bytes from one row to the next.
 * @param pixelStride bytes from one pixel to the next; red, green and blue are the first three.
 * @param rotationDegrees how far to turn the picture clockwise so that it stands upright: 0, 90, 180 or 270.
 * @param mirrored whether to flip the picture left to right before turning it.
 * @throws IllegalArgumentException the sizes contradict each other.
 */
class RgbaFrame(
    val pixels: ByteBuffer,
    val width: Int,
    val height: Int,
    val rowStride: Int,
    val pixelStride: Int = 4,
    val rotationDegrees: Int = 0,
    val mirrored: Boolean = false,
) {
    init {
        require(width > 0 && height > 0) { "A frame needs pixels. Received: $width x $height." }
        require(pixelStride >= 3) { "A pixel takes at least three bytes. Received: a pixel stride of $pixelStride." }
        require(rowStride >= width.toLong() * pixelStride) {
            "A row of $width pixels does not fit into a row stride of $rowStride bytes."
        }
        require(rotationDegrees in setOf(0, 90, 180, 270)) {
            "A frame is turned by 0, 90, 180 or 270 degrees. Received: $rotationDegrees."
        }
        val needed = (height - 1L) * rowStride + (width - 1L) * pixelStride + 3
        require(pixels.limit() >= needed) {
            "A frame of $width x $height pixels takes $needed bytes. Received: ${pixels.limit()}."
        }
    }

    private val onItsSide = rotationDegrees % 180 != 0

    /** Width and height once it stands upright. */
    val uprightWidth = if (onItsSide) height else width
    val uprightHeight = if (onItsSide) width else height

    /** Side of the largest centred square, in pixels. */
    val side = minOf(width, height)

    /** Copies all bytes into an array, which is read faster than a buffer; `reuse` if that is long enough. */
    fun bytes(reuse: ByteArray?): ByteArray {
        val length = pixels.limit()
        val bytes = if (reuse != null && reuse.size >= length) reuse else ByteArray(length)
        val source = pixels.duplicate()
        rewind(source)
        source.get(bytes, 0, length)
        return bytes
    }

    // As a plain Buffer: ByteBuffer has a rewind() of its own since Java 9, which older phones lack.
    private fun rewind(buffer: Buffer) = buffer.rewind()

    /** Where the pixels of the upright, centred square stand among the bytes. */
    fun square(): SquareView {
        var right = if (mirrored) -pixelStride else pixelStride
        var down = rowStride
        val left = if (mirrored) (width - 1) * pixelStride else 0
        // The stored place of the upright picture's top left corner, and the steps along its two edges.
        val corner = when (rotationDegrees) {
            0 -> left
            90 -> left + (height - 1) * down
            180 -> left + (height - 1) * down + (width - 1) * right
            else -> left + (width - 1) * right
        }
        when (rotationDegrees) {
            90 -> right = -down.also { down = right }
            180 -> { right = -right; down = -down }
            270 -> down = -right.also { right = down }
        }
        val origin = corner + (uprightWidth - side) / 2 * right + (uprightHeight - side) / 2 * down
        return SquareView(side, origin, right, down)
    }

    companion object {
        /**
         * How to turn a picture with this EXIF orientation (tag 0x0112, 1 to 8) upright: degrees clockwise, and
         * whether to mirror it first. An unknown mark means upright.
         */
        fun turnOfExif(orientation: Int): Pair<Int, Boolean> = when (orientation) {
            2 -> 0 to true
            3 -> 180 to false
            4 -> 180 to true
            5 -> 270 to true
            6 -> 90 to false
            7 -> 90 to true
            8 -> 270 to false
            else -> 0 to false
        }
    }
}

/** A square of `side` pixels among bytes: the top left one at `origin`, then `right` or `down` bytes a step. */
class SquareView(val side: Int, val origin: Int, val right: Int, val down: Int)
