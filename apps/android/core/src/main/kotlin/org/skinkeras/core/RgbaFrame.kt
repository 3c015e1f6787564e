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

    /** Where the pixels that a geometry takes of the upright picture stand among the bytes. */
    fun view(geometry: Geometry): FrameView {
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
        val across = Side.of(uprightWidth, uprightHeight, geometry)
        val downwards = Side.of(uprightHeight, uprightWidth, geometry)
        return FrameView(across, downwards, corner + across.cut * right + downwards.cut * down, right, down)
    }

    companion object {
        /**
         * Puts pixels on white, as a decoder delivers those of a picture that is transparent in places: RGBA, each
         * colour already multiplied by its opacity. They are changed in place, and opaque then.
         */
        fun putOnWhite(rgba: ByteArray) {
            for (pixel in 0 until rgba.size / 4 * 4 step 4) {
                val white = 255 - (rgba[pixel + 3].toInt() and 0xff)
                for (channel in pixel until pixel + 3) {
                    rgba[channel] = minOf(255, (rgba[channel].toInt() and 0xff) + white).toByte()
                }
                rgba[pixel + 3] = -1
            }
        }

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

/**
 * Pixels among bytes: the top left one at `origin`, then `stepRight` or `stepDown` bytes a step.
 *
 * @property across the upper side of what they make, and `down` its left side.
 */
class FrameView(val across: Side, val down: Side, val origin: Int, val stepRight: Int, val stepDown: Int) {
    /** Which pixels of an input of `size` pixels show the picture: all, unless it is padded. */
    fun filled(size: Int) = Filled(across.filled(size), down.filled(size))
}

/** Columns and rows. */
class Filled(val columns: IntRange, val rows: IntRange)
