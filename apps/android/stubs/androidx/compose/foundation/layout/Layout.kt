package androidx.compose.foundation.layout

import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.Dp

object Arrangement {
    interface Horizontal

    interface Vertical

    interface HorizontalOrVertical : Horizontal, Vertical

    val Start: Horizontal get() = throw AssertionError()
    val Top: Vertical get() = throw AssertionError()
    val SpaceBetween: HorizontalOrVertical get() = throw AssertionError()

    fun spacedBy(space: Dp): HorizontalOrVertical = throw AssertionError()
}

interface BoxScope {
    fun Modifier.align(alignment: Alignment): Modifier
}

interface RowScope {
    fun Modifier.weight(weight: Float, fill: Boolean = true): Modifier
}

interface ColumnScope

@Composable
inline fun Box(modifier: Modifier = Modifier, content: @Composable BoxScope.() -> Unit) {}

@Composable
inline fun Row(
    modifier: Modifier = Modifier,
    horizontalArrangement: Arrangement.Horizontal = Arrangement.Start,
    verticalAlignment: Alignment.Vertical = Alignment.CenterVertically,
    content: @Composable RowScope.() -> Unit,
) {}

@Composable
inline fun Column(
    modifier: Modifier = Modifier,
    verticalArrangement: Arrangement.Vertical = Arrangement.Top,
    content: @Composable ColumnScope.() -> Unit,
) {}

fun Modifier.fillMaxSize(fraction: Float = 1f): Modifier = throw AssertionError()

fun Modifier.fillMaxWidth(fraction: Float = 1f): Modifier = throw AssertionError()

fun Modifier.aspectRatio(ratio: Float, matchHeightConstraintsFirst: Boolean = false): Modifier = throw AssertionError()

fun Modifier.padding(all: Dp): Modifier = throw AssertionError()

fun Modifier.size(size: Dp): Modifier = throw AssertionError()

fun Modifier.safeDrawingPadding(): Modifier = throw AssertionError()
