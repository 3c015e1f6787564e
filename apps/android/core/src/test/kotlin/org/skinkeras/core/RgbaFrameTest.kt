package org.skinkeras.core

import java.nio.ByteBuffer
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class RgbaFrameTest {
    // Stored, as letters:  a b
    //                      c d
    private fun turned(degrees: Int, mirrored: Boolean = false): String {
        val bytes = "a..-b..-__c..-d..-".toByteArray()
        val frame = RgbaFrame(ByteBuffer.wrap(bytes), 2, 2, rowStride = 10, rotationDegrees = degrees, mirrored = mirrored)
        val input = SquareResizer(2).resize(frame)
        return (0..3).map { input[3 * it].toInt().toChar() }.joinToString("")
    }

    @Test
    fun `a frame is turned clockwise`() {
        assertEquals("abcd", turned(0))
        assertEquals("cadb", turned(90))
        assertEquals("dcba", turned(180))
        assertEquals("bdac", turned(270))
    }

    @Test
    fun `a mirrored frame is flipped before it is turned`() {
        assertEquals("badc", turned(0, mirrored = true))
        assertEquals("dbca", turned(90, mirrored = true))
    }

    @Test
    fun `the buffer's position does not matter and does not move`() {
        val buffer = ByteBuffer.allocateDirect(12)
        buffer.put("rgb-RGB-xyz-".toByteArray())
        val input = SquareResizer(1).resize(RgbaFrame(buffer, 3, 1, 12))
        assertArrayEquals("RGB".map { it.code.toFloat() }.toFloatArray(), input)
        assertEquals(12, buffer.position())
    }

    @Test
    fun `bytes above 127 are bright, not negative`() {
        val bytes = byteArrayOf(-1, -128, 127, 0)
        assertArrayEquals(floatArrayOf(255f, 128f, 127f), SquareResizer(1).resize(RgbaFrame(ByteBuffer.wrap(bytes), 1, 1, 4)))
    }

    @Test
    fun `transparent pixels lie on white`() {
        // A decoder has multiplied the colours by the opacity: 200 at a quarter is 50.
        val rgba = byteArrayOf(0, 0, 0, 0, 50, 25, 0, 64, 10, 20, 30, -1, 7)
        RgbaFrame.putOnWhite(rgba)
        assertArrayEquals(byteArrayOf(-1, -1, -1, -1, 241.toByte(), 216.toByte(), 191.toByte(), -1, 10, 20, 30, -1, 7), rgba)
    }

    @Test
    fun `a geometry takes a square, everything, or everything and black`() {
        fun taken(geometry: Geometry): String {
            val frame = RgbaFrame(ByteBuffer.wrap("a..-b..-c..-d..-".toByteArray()), 4, 1, rowStride = 16)
            val input = SquareResizer(4, geometry).resize(frame)
            return (0..15).map { input[3 * it].toInt().toChar() }.joinToString("").replace('\u0000', '.')
        }
        assertEquals("b".repeat(16), taken(Geometry.CROP))
        assertEquals("abcd".repeat(4), taken(Geometry.SQUASH))
        assertEquals("....abcd........", taken(Geometry.PAD))
    }

    @Test
    fun `padding fills a part of the input, and the rest shows the picture`() {
        val frame = RgbaFrame(ByteBuffer.allocate(4 * 15 * 60), 15, 60, 60, rotationDegrees = 90)
        for (geometry in listOf(Geometry.CROP, Geometry.SQUASH)) {
            val filled = frame.view(geometry).filled(24)
            assertEquals(0 until 24 to (0 until 24), filled.columns to filled.rows)
        }
        val filled = frame.view(Geometry.PAD).filled(24)
        assertEquals(0 until 24 to (9 until 15), filled.columns to filled.rows)
    }

    @Test
    fun `sizes that contradict each other are refused`() {
        fun refused(width: Int, height: Int, rowStride: Int, pixelStride: Int = 4, degrees: Int = 0) =
            assertThrows(IllegalArgumentException::class.java) {
                RgbaFrame(ByteBuffer.allocate(100), width, height, rowStride, pixelStride, degrees)
            }.message
        assertEquals("A frame needs pixels. Received: 0 x 5.", refused(0, 5, 20))
        assertEquals("A row of 5 pixels does not fit into a row stride of 19 bytes.", refused(5, 5, 19))
        assertEquals("A frame of 5 x 6 pixels takes 119 bytes. Received: 100.", refused(5, 6, 20))
        assertEquals("A pixel takes at least three bytes. Received: a pixel stride of 1.", refused(5, 5, 20, 1))
        assertEquals("A frame is turned by 0, 90, 180 or 270 degrees. Received: 45.", refused(5, 5, 20, 4, 45))
    }

    @Test
    fun `an output of the wrong size is refused`() {
        val frame = RgbaFrame(ByteBuffer.allocate(100), 5, 5, 20)
        assertThrows(IllegalArgumentException::class.java) { SquareResizer(2).resize(frame, FloatArray(11)) }
    }

    @Test
    fun `one resizer takes frames of different sizes`() {
        val resizer = SquareResizer(3)
        fun grey(side: Int) = RgbaFrame(ByteBuffer.wrap(ByteArray(4 * side * side) { 90 }), side, side, 4 * side)
        for (side in listOf(7, 3, 2, 11, 6, 7)) {
            assertArrayEquals(FloatArray(27) { 90f }, resizer.resize(grey(side)), "side $side")
        }
    }
}
