package androidx.compose.foundation

import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.ImageBitmap
import androidx.compose.ui.graphics.drawscope.DrawScope

class ScrollState

@Composable
fun rememberScrollState(initial: Int = 0): ScrollState = throw AssertionError()

fun Modifier.verticalScroll(state: ScrollState): Modifier = throw AssertionError()

@Composable
fun Canvas(modifier: Modifier, onDraw: DrawScope.() -> Unit) {}

@Composable
fun Image(bitmap: ImageBitmap, contentDescription: String?, modifier: Modifier = Modifier) {}
