package androidx.compose.runtime

/** The compiler plugin asks for it. */
@Suppress("unused")
internal object ComposeVersion {
    const val version: Int = 17000
}
