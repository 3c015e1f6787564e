package androidx.compose.ui

interface Modifier {
    companion object : Modifier
}

interface Alignment {
    interface Horizontal

    interface Vertical

    companion object {
        val BottomCenter: Alignment get() = throw AssertionError()
        val CenterVertically: Vertical get() = throw AssertionError()
    }
}
