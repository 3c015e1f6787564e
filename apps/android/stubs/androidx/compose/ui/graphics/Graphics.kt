package androidx.compose.ui.graphics

@JvmInline
value class Color(val value: ULong) {
    companion object {
        val White: Color get() = throw AssertionError()
    }
}

fun Color(color: Long): Color = throw AssertionError()

interface ImageBitmap

fun android.graphics.Bitmap.asImageBitmap(): ImageBitmap = throw AssertionError()
