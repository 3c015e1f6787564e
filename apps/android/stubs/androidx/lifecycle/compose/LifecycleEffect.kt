package androidx.lifecycle.compose

import androidx.compose.runtime.Composable
import androidx.lifecycle.LifecycleOwner

interface LifecyclePauseOrDisposeEffectResult {
    fun runPauseOrOnDisposeEffect()
}

class LifecycleResumePauseEffectScope {
    inline fun onPauseOrDispose(
        crossinline onPauseOrDisposeEffect: LifecycleOwner.() -> Unit,
    ): LifecyclePauseOrDisposeEffectResult = throw AssertionError()
}

@Composable
fun LifecycleResumeEffect(
    key1: Any?,
    lifecycleOwner: LifecycleOwner = LocalLifecycleOwner.current,
    effects: LifecycleResumePauseEffectScope.() -> LifecyclePauseOrDisposeEffectResult,
) {}
