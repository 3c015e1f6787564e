package androidx.compose.runtime

// What the Compose compiler plugin turns composable functions into calls of. It is looked up by name.

interface Composer {
    val skipping: Boolean
    val defaultsInvalid: Boolean

    fun startReplaceGroup(key: Int)
    fun endReplaceGroup()
    fun startReplaceableGroup(key: Int)
    fun endReplaceableGroup()
    fun startMovableGroup(key: Int, dataKey: Any?)
    fun endMovableGroup()
    fun startRestartGroup(key: Int): Composer
    fun endRestartGroup(): ScopeUpdateScope?
    fun startDefaults()
    fun endDefaults()
    fun skipToGroupEnd()
    fun skipCurrentGroup()
    fun endToMarker(marker: Int)
    val currentMarker: Int
    fun shouldExecute(parametersChanged: Boolean, flags: Int): Boolean
    fun joinKey(left: Any?, right: Any?): Any
    fun rememberedValue(): Any?
    fun updateRememberedValue(value: Any?)
    fun changed(value: Any?): Boolean
    fun changed(value: Boolean): Boolean
    fun changed(value: Char): Boolean
    fun changed(value: Byte): Boolean
    fun changed(value: Short): Boolean
    fun changed(value: Int): Boolean
    fun changed(value: Float): Boolean
    fun changed(value: Long): Boolean
    fun changed(value: Double): Boolean
    fun changedInstance(value: Any?): Boolean

    companion object {
        val Empty: Any = Any()
    }
}

interface ScopeUpdateScope {
    fun updateScope(block: (Composer, Int) -> Unit)
}

val currentComposer: Composer
    @ReadOnlyComposable
    @Composable
    get() = throw AssertionError()

inline fun <T> Composer.cache(invalid: Boolean, block: () -> T): T = block()

fun sourceInformation(composer: Composer, sourceInformation: String) {}

fun sourceInformationMarkerStart(composer: Composer, key: Int, sourceInformation: String) {}

fun sourceInformationMarkerEnd(composer: Composer) {}

fun isTraceInProgress(): Boolean = false

fun traceEventStart(key: Int, dirty1: Int, dirty2: Int, info: String) {}

fun traceEventEnd() {}

fun updateChangedFlags(flags: Int): Int = flags

@Retention(AnnotationRetention.BINARY)
annotation class Stable

@Retention(AnnotationRetention.BINARY)
annotation class Immutable

@Retention(AnnotationRetention.BINARY)
annotation class NonRestartableComposable

@Retention(AnnotationRetention.BINARY)
annotation class ComposableTarget(val applier: String)

@Retention(AnnotationRetention.BINARY)
annotation class ComposableInferredTarget(val scheme: String)

@Retention(AnnotationRetention.BINARY)
annotation class ComposableOpenTarget(val index: Int)
