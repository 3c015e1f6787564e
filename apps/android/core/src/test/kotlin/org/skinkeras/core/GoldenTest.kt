package org.skinkeras.core

import java.nio.ByteBuffer
import kotlin.math.abs
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory

/** Python wrote what comes out; see `apps/android/golden.py`. */
class GoldenTest {
    @TestFactory
    fun frames(): List<DynamicTest> = Golden.json.children("frames").map { golden ->
        dynamicTest(golden.text("name")) {
            val expected = Golden.values(Golden.unpacked(golden.text("pixels_zlib_base64")))
            val input = SquareResizer(golden.int("size"), geometry(golden)).resize(frame(golden))
            assertEquals(expected.size, input.size)
            val differences = input.indices.map { abs(input[it] - expected[it]) }
            // OpenCV enlarges in floats where the processor can: a rounding may differ, by a grey level.
            val allowed = if ("enlarged" in golden.text("name")) 1f else 0f
            assertTrue(differences.max() <= allowed) {
                "${differences.count { it > 0 }} of ${input.size} values differ, by up to ${differences.max()}"
            }
        }
    }

    @TestFactory
    fun answers(): List<DynamicTest> = Golden.json.children("answers").map { golden ->
        val probabilities = golden.numbers("probabilities").map { it.toFloat() }.toFloatArray()
        dynamicTest("${probabilities.toList()}") {
            val contract = if (golden.has("threshold")) {
                ModelContract.parse(contractText("0.423828125" to "${golden.number("threshold")}"), "test.json")
            } else {
                sevenClasses()
            }
            assertEquals(golden.texts("classes"), contract.classes)
            assertEquals(golden.text("label"), contract.classes[contract.read(contract.cpuFile, probabilities).called])
        }
    }

    @TestFactory
    fun quality(): List<DynamicTest> = Golden.json.children("quality").map { golden ->
        dynamicTest(golden.text("name")) {
            val input = Golden.values(Golden.unpacked(golden.text("pixels_zlib_base64")))
            val rows = if (golden.has("rows")) golden.numbers("rows").map { it.toInt() } else listOf(0, 24)
            val judged = PictureQuality().judge(input, 24, Filled(0 until 24, rows[0] until rows[1]))
            assertEquals(golden.number("brightness"), judged.brightness.toDouble(), 1e-2)
            assertEquals(golden.number("clipped"), judged.clipped.toDouble(), 1e-6)
            assertEquals(golden.number("blur"), judged.blur.toDouble(), 1e-4)
            assertEquals(if (golden.has("issue")) golden.text("issue") else null, judged.issue?.name)
        }
    }

    @Test
    fun `the limits are those that were measured in Python`() {
        val limits = Golden.json.child("quality_limits")
        val quality = PictureQuality()
        assertEquals(limits.number("darkest").toFloat(), quality.darkest)
        assertEquals(limits.number("brightest").toFloat(), quality.brightest)
        assertEquals(limits.number("most_clipped").toFloat(), quality.mostClipped)
        assertEquals(limits.number("most_blur").toFloat(), quality.mostBlur)
    }

    private fun frame(golden: JsonObject): RgbaFrame {
        val (degrees, mirrored) = RgbaFrame.turnOfExif(golden.int("exif_orientation"))
        return RgbaFrame(
            ByteBuffer.wrap(Golden.unpacked(golden.text("frame_zlib_base64"))),
            golden.int("width"), golden.int("height"), golden.int("row_stride"), golden.int("pixel_stride"),
            degrees, mirrored,
        )
    }

    private fun geometry(golden: JsonObject) = Geometry.entries.first { it.word == golden.text("geometry") }

    private fun JsonObject.int(name: String) = number(name).toInt()
}
