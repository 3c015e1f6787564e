package androidx.compose.ui.geometry

@JvmInline
value class Size(val packedValue: Long) {
    val minDimension: Float get() = throw AssertionError()
}
