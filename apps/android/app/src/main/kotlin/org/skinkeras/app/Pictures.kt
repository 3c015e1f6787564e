package org.skinkeras.app

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ColorSpace
import android.media.ExifInterface
import android.net.Uri
import android.os.Build
import androidx.camera.core.ImageProxy
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import org.skinkeras.core.Geometry
import org.skinkeras.core.RgbaFrame
import org.skinkeras.core.SquareResizer
import org.skinkeras.core.isCutOff

/** The camera's frame; valid until the image is closed. */
fun ImageProxy.asFrame(): RgbaFrame {
    val plane = planes[0]
    return RgbaFrame(plane.buffer, width, height, plane.rowStride, plane.pixelStride, imageInfo.rotationDegrees)
}

/**
 * Reads a photo for an input of `size` pixels: a large one at 1/2, 1/4 or 1/8, never below twice the input, as the
 * training pictures were decoded; in sRGB, whatever its colour profile is; the camera's orientation mark is obeyed.
 *
 * @throws IOException the photo is missing, cut off, or no picture.
 */
fun ContentResolver.readPhoto(uri: Uri, size: Int): RgbaFrame {
    val stream: InputStream = openInputStream(uri) ?: throw IOException("The photo is gone.")
    val file = stream.use { it.readBytes() }
    // BitmapFactory may return the part that is there, and the model would score the rest of it too.
    if (isCutOff(file)) throw IOException("This picture is cut off: a part of it is missing.")
    val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    BitmapFactory.decodeByteArray(file, 0, file.size, bounds)
    val shortest = minOf(bounds.outWidth, bounds.outHeight)
    if (shortest <= 0) throw IOException("This file is no picture that the phone can read.")
    val options = BitmapFactory.Options().apply {
        inSampleSize = listOf(8, 4, 2).firstOrNull { shortest / it >= 2 * size } ?: 1
        inPreferredConfig = Bitmap.Config.ARGB_8888
        // Otherwise the pixels stay in the colours of the photo, such as Display P3. Android 7 knows no others than sRGB.
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O) {
            inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB)
        }
    }
    val bitmap = BitmapFactory.decodeByteArray(file, 0, file.size, options) ?: throw IOException("This picture is broken.")
    val orientation = ExifInterface(file.inputStream()).getAttributeInt(ExifInterface.TAG_ORIENTATION, 1)
    val (degrees, mirrored) = RgbaFrame.turnOfExif(orientation)
    // In memory, ARGB_8888 is red, green, blue, alpha.
    val pixels = ByteBuffer.allocate(bitmap.rowBytes * bitmap.height)
    bitmap.copyPixelsToBuffer(pixels)
    if (bitmap.hasAlpha()) RgbaFrame.putOnWhite(pixels.array())
    return RgbaFrame(pixels, bitmap.width, bitmap.height, bitmap.rowBytes, 4, degrees, mirrored)
}

/**
 * What a geometry takes of a frame, upright, to look at and to keep: at most `largest` pixels wide and high. The whole
 * picture keeps its shape, and has no black around it.
 */
fun RgbaFrame.shown(geometry: Geometry, largest: Int = 1024): Bitmap {
    val square = if (geometry == Geometry.CROP) Geometry.CROP else Geometry.PAD
    val view = view(square)
    val size = minOf(view.across.framed, largest)
    val values = SquareResizer(size, square).resize(this)
    val filled = view.filled(size)
    val (width, height) = filled.columns.count() to filled.rows.count()
    val colours = IntArray(width * height) {
        val at = 3 * ((filled.rows.first + it / width) * size + filled.columns.first + it % width)
        (0xff shl 24) or (values[at].toInt() shl 16) or (values[at + 1].toInt() shl 8) or values[at + 2].toInt()
    }
    return Bitmap.createBitmap(colours, width, height, Bitmap.Config.ARGB_8888)
}
