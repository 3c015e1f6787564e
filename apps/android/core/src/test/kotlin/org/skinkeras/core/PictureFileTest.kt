package org.skinkeras.core

import java.awt.image.BufferedImage
import java.io.ByteArrayOutputStream
import javax.imageio.IIOImage
import javax.imageio.ImageIO
import javax.imageio.ImageWriteParam
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class PictureFileTest {
    private val picture = BufferedImage(64, 48, BufferedImage.TYPE_INT_RGB).apply {
        for (y in 0 until height) for (x in 0 until width) setRGB(x, y, 65793 * (x * y % 256) xor (x shl 18))
    }

    private fun encoded(format: String, progressive: Boolean = false): ByteArray {
        val bytes = ByteArrayOutputStream()
        val writer = ImageIO.getImageWritersByFormatName(format).next()
        val settings = writer.defaultWriteParam
        if (progressive) settings.progressiveMode = ImageWriteParam.MODE_DEFAULT
        ImageIO.createImageOutputStream(bytes).use {
            writer.output = it
            writer.write(null, IIOImage(picture, null, null), settings)
        }
        writer.dispose()
        return bytes.toByteArray()
    }

    private fun assertNoticedWhereverItBreaksOff(file: ByteArray) {
        assertFalse(isCutOff(file))
        for (length in 4 until file.size) assertTrue(isCutOff(file.copyOf(length)), "$length of ${file.size} bytes")
        // Cameras append films and maps of depth.
        assertFalse(isCutOff(file + ByteArray(100) { 0x55 }))
    }

    @Test
    fun `a JPEG that breaks off is noticed`() = assertNoticedWhereverItBreaksOff(encoded("jpeg"))

    @Test
    fun `a JPEG in several scans that breaks off is noticed`() =
        assertNoticedWhereverItBreaksOff(encoded("jpeg", progressive = true))

    @Test
    fun `the end of a thumbnail is not taken for the picture's`() {
        val whole = encoded("jpeg")
        val length = whole.size + 2
        val segment = byteArrayOf(0xff.toByte(), 0xe1.toByte(), (length shr 8).toByte(), length.toByte()) + whole
        assertNoticedWhereverItBreaksOff(whole.copyOf(2) + segment + whole.drop(2))
    }

    @Test
    fun `marks without a length and stray bytes are stepped over`() {
        val whole = encoded("jpeg")
        val end = whole.size - 2
        // A restart mark and an escaped 0xff inside the scan, padding before the end mark.
        val restart = listOf(0xff, 0xd3, 0x12, 0xff, 0x00, 0xff, 0xff).map { it.toByte() }.toByteArray()
        assertFalse(isCutOff(whole.copyOf(end) + restart + whole.drop(end)))
        assertTrue(isCutOff(whole.copyOf(end) + restart))
        assertFalse(isCutOff(whole.copyOf(2) + byteArrayOf(1, 2, 3) + whole.drop(2)))
    }

    @Test
    fun `a PNG that breaks off is noticed`() = assertNoticedWhereverItBreaksOff(encoded("png"))

    @Test
    fun `a WebP that breaks off is noticed`() {
        val head = "RIFF".toByteArray() + byteArrayOf(0x2c, 0x01, 0, 0) + "WEBP".toByteArray()
        assertNoticedWhereverItBreaksOff(head + ByteArray(300 - 4))
    }

    @Test
    fun `other files are left to the phone`() {
        for (file in listOf("", "GIF89a", "0000ftypheic", "BM")) assertFalse(isCutOff(file.toByteArray()))
    }
}
