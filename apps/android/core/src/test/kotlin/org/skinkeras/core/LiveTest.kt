package org.skinkeras.core

import java.nio.ByteBuffer
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class LiveTest {
    private val contract = ModelContract.parse(contractText("192, 192" to "24, 24"), "x.json")
    private val sharp = picture("sharp")
    private val blurred = picture("blurred")

    private fun picture(name: String): RgbaFrame {
        val golden = Golden.json.children("quality").first { it.text("name") == name }
        val rgb = Golden.unpacked(golden.text("pixels_zlib_base64"))
        return RgbaFrame(ByteBuffer.wrap(rgb), 24, 24, rowStride = 72, pixelStride = 3)
    }

    private fun answering(vararg malignant: Float): PictureReader {
        val answers = malignant.iterator()
        return PictureReader(onCpu(contract)) { answers.next().let { floatArrayOf(1 - it, it) } }
    }

    private fun Answer.malignant() = (this as Answer.Read).reading.probabilities[1]

    @Test
    fun `after a half life, half of the answer is new`() {
        val smoother = TemporalSmoother(halfLifeMs = 300.0)
        assertArrayEquals(floatArrayOf(1f, 0f), smoother.update(floatArrayOf(1f, 0f), 1000))
        assertArrayEquals(floatArrayOf(0.5f, 0.5f), smoother.update(floatArrayOf(0f, 1f), 1300), 1e-6f)
        assertArrayEquals(floatArrayOf(0.125f, 0.875f), smoother.update(floatArrayOf(0f, 1f), 1900), 1e-6f)
    }

    @Test
    fun `the frame rate does not change what is shown`() {
        fun after(frames: Int): Float {
            val smoother = TemporalSmoother()
            smoother.update(floatArrayOf(0f, 1f), 0)
            return (1..frames).map { smoother.update(floatArrayOf(1f, 0f), it * 600L / frames) }.last()[0]
        }
        assertEquals(0.75f, after(2), 1e-5f)
        assertEquals(after(2), after(20), 1e-5f)
    }

    @Test
    fun `a pause, another model or a reset starts the average anew`() {
        val smoother = TemporalSmoother(longestGapMs = 1000)
        smoother.update(floatArrayOf(1f, 0f), 0)
        assertArrayEquals(floatArrayOf(0f, 1f), smoother.update(floatArrayOf(0f, 1f), 1001))
        assertArrayEquals(floatArrayOf(0f, 0f, 1f), smoother.update(floatArrayOf(0f, 0f, 1f), 1100))
        smoother.reset()
        assertArrayEquals(floatArrayOf(1f, 0f, 0f), smoother.update(floatArrayOf(1f, 0f, 0f), 1101))
    }

    @Test
    fun `live answers are steadied, single ones are not`() {
        val reader = answering(0f, 1f, 1f)
        assertEquals(0f, reader.live(sharp, 0).malignant())
        assertEquals(0.5f, reader.live(sharp, 300).malignant(), 1e-5f)
        assertEquals(1f, reader.single(sharp).malignant())
    }

    @Test
    fun `the model never sees a blurred picture, and what it said before is forgotten`() {
        val reader = answering(0f, 1f)
        reader.live(sharp, 0)
        val refused = reader.live(blurred, 30) as Answer.Refused
        assertEquals(QualityIssue.BLURRED, refused.issue)
        assertEquals(1f, reader.live(sharp, 60).malignant())
    }

    @Test
    fun `the model gets the picture's own pixels`() {
        var seen = FloatArray(0)
        PictureReader(onCpu(contract)) { seen = it.copyOf(); floatArrayOf(0.5f, 0.5f) }.single(sharp)
        assertArrayEquals(Golden.values(sharp.bytes(null)), seen)
    }

    @Test
    fun `nonsense from the model is an error and leaves the average alone`() {
        var next = floatArrayOf(1f, 0f)
        val reader = PictureReader(onCpu(contract)) { next }
        reader.live(sharp, 0)
        next = floatArrayOf(Float.NaN, 0f)
        assertThrows(ContractException::class.java) { reader.live(sharp, 10) }
        next = floatArrayOf(1f, 0f)
        assertEquals(0f, reader.live(sharp, 20).malignant())
    }

    @Test
    fun `every answer says which model gave it`() {
        val model = onCpu(contract)
        val reader = PictureReader(model) { floatArrayOf(0.5f, 0.5f) }
        for (answer in listOf(reader.live(sharp, 0), reader.single(sharp), reader.single(blurred))) assertSame(model, answer.model)
    }

    @Test
    fun `times are measured`() {
        val answer = PictureReader(onCpu(contract)) { Thread.sleep(20); floatArrayOf(0.5f, 0.5f) }.single(sharp) as Answer.Read
        assertTrue(answer.modelMs >= 20)
        assertTrue(answer.preparationMs > 0)
    }
}
