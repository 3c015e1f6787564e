package org.skinkeras.app

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.media.ExifInterface
import android.net.Uri
import androidx.camera.core.ImageProxy
import java.io.IOException
import java.nio.ByteBuffer
import org.skinkeras.core.RgbaFrame
import org.skinkeras.core.SquareResizer

/** The camera's frame; valid until the image is closed. */
fun ImageProxy.asFrame(): RgbaFrame {
    val plane = planes[0]
    return RgbaFrame(plane.buffer, width, height, plane.rowStride, plane.pixelStride, imageInfo.rotationDegrees)
}

/**
 * Reads a photo for an input of `size` pixels: a large one at 1/2, 1/4 or 1/8, never below twice the input, as the
 * training pictures were decoded; the camera's orientation mark is obeyed.
 *
 * @throws IOException the photo is missing, or no picture.
 */
fun ContentResolver.readPhoto(uri: Uri, size: Int): RgbaFrame {
    val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    open(uri) { BitmapFactory.decodeStream(it, null, bounds) }
    val shortest = minOf(bounds.outWidth, bounds.outHeight)
    if (shortest <= 0) throw IOException("This file is no picture that the phone can read.")
    val options = BitmapFactory.Options().apply {
        inSampleSize = listOf(8, 4, 2).firstOrNull { shortest / it >= 2 * size } ?: 1
        inPreferredConfig = Bitmap.Config.ARGB_8888
    }
    val bitmap = open(uri) { BitmapFactory.decodeStream(it, null, options) }
        ?: throw IOException("This picture is cut off or broken.")
    val orientation = open(uri) { ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, 1) }
    val (degrees, mirrored) = RgbaFrame.turnOfExif(orientation)
    // In memory, ARGB_8888 is red, green, blue, alpha.
    val pixels = ByteBuffer.allocate(bitmap.rowBytes * bitmap.height)
    bitmap.copyPixelsToBuffer(pixels)
    return RgbaFrame(pixels, bitmap.width, bitmap.height, bitmap.rowBytes, 4, degrees, mirrored)
}

private fun <T> ContentResolver.open(uri: Uri, read: (java.io.InputStream) -> T): T =
    (openInputStream(uri) ?: throw IOException("The photo is gone.")).use(read)

/** The upright, centred square of a frame, to look at and to keep: at most `largest` pixels wide. */
fun RgbaFrame.squareBitmap(largest: Int = 1024): Bitmap {
    val size = minOf(side, largest)
    val values = SquareResizer(size).resize(this)
    val colours = IntArray(size * size) {
        (0xff shl 24) or (values[3 * it].toInt() shl 16) or (values[3 * it + 1].toInt() shl 8) or values[3 * it + 2].toInt()
    }
    return Bitmap.createBitmap(colours, size, size, Bitmap.Config.ARGB_8888)
}
