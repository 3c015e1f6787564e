package org.skinkeras.core

import java.nio.ByteBuffer
import java.util.Random

/**
 * How long a frame takes from the camera's buffer to the model's input, quality included, on this JVM.
 *
 * `check.sh --benchmark` runs it. Frames as phones deliver them upright: turned by 90 degrees, in a direct buffer.
 */
fun main() {
    println("Java ${System.getProperty("java.version")}, ${Runtime.getRuntime().availableProcessors()} processors")
    println("| frame | input | median, ms | 95th percentile, ms |")
    println("| --- | --- | --- | --- |")
    for ((width, height) in listOf(640 to 480, 1280 to 960, 1920 to 1080)) {
        for (size in listOf(192, 320)) {
            val times = times(noise(width, height), size).sorted()
            val row = listOf(times[times.size / 2], times[times.size * 95 / 100]).joinToString(" | ") { "%.2f".format(it) }
            println("| $width x $height | $size | $row |")
        }
    }
}

private fun noise(width: Int, height: Int): RgbaFrame {
    val bytes = ByteArray(4 * width * height).also { Random(0).nextBytes(it) }
    val buffer = ByteBuffer.allocateDirect(bytes.size).put(bytes)
    return RgbaFrame(buffer, width, height, 4 * width, rotationDegrees = 90)
}

private fun times(frame: RgbaFrame, size: Int): List<Double> {
    val resizer = SquareResizer(size)
    val input = FloatArray(3 * size * size)
    val quality = PictureQuality()
    fun once(): Double {
        val start = System.nanoTime()
        resizer.resize(frame, input)
        quality.judge(input, size)
        return (System.nanoTime() - start) / 1e6
    }
    repeat(100) { once() } // until it is compiled
    return List(200) { once() }
}
