package androidx.compose.ui.graphics.drawscope

import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.unit.Density

sealed class DrawStyle

object Fill : DrawStyle()

class Stroke(val width: Float = 0f) : DrawStyle()

interface DrawScope : Density {
    val size: Size

    fun drawCircle(color: Color, radius: Float = size.minDimension / 2, alpha: Float = 1f, style: DrawStyle = Fill)
}
