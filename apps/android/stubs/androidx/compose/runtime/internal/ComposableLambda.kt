package androidx.compose.runtime.internal

import androidx.compose.runtime.Composable
import androidx.compose.runtime.Composer

// Looked up by name by the Compose compiler plugin.

interface ComposableLambda

fun composableLambda(composer: Composer, key: Int, tracked: Boolean, block: Any): ComposableLambda = throw AssertionError()

fun composableLambdaInstance(key: Int, tracked: Boolean, block: Any): ComposableLambda = throw AssertionError()

@Composable
fun rememberComposableLambda(key: Int, tracked: Boolean, block: Any): ComposableLambda = throw AssertionError()

@Retention(AnnotationRetention.BINARY)
annotation class StabilityInferred(val parameters: Int)

@Retention(AnnotationRetention.BINARY)
annotation class FunctionKeyMeta(val key: Int, val startOffset: Int, val endOffset: Int)
