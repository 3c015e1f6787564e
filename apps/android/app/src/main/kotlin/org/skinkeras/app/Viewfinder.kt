package org.skinkeras.app

import android.Manifest
import android.content.ActivityNotFoundException
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.provider.Settings
import android.util.Size
import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.result.contract.ActivityResultContracts
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.resolutionselector.AspectRatioStrategy
import androidx.camera.core.resolutionselector.ResolutionSelector
import androidx.camera.core.resolutionselector.ResolutionStrategy
import androidx.camera.view.CameraController
import androidx.camera.view.LifecycleCameraController
import androidx.camera.view.PreviewView
import androidx.compose.foundation.Canvas
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.Button
import androidx.compose.material3.Slider
import androidx.compose.material3.Switch
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableFloatStateOf
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.drawscope.Stroke
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import androidx.compose.ui.viewinterop.AndroidView
import androidx.core.content.ContextCompat
import androidx.lifecycle.compose.LifecycleResumeEffect
import androidx.lifecycle.compose.LocalLifecycleOwner
import org.skinkeras.core.Answer
import org.skinkeras.core.Geometry

/** The live camera in a square: it shows as much as the model gets, in its own shape. */
@Composable
fun Viewfinder(session: Session) {
    val context = LocalContext.current
    var allowed by remember { mutableStateOf(mayUseCamera(context)) }
    var refused by remember { mutableStateOf(false) }
    val ask = rememberLauncherForActivityResult(ActivityResultContracts.RequestPermission()) {
        allowed = it
        refused = !it
    }
    // Whoever comes back from the settings may have allowed it there.
    LifecycleResumeEffect(Unit) {
        allowed = mayUseCamera(context)
        onPauseOrDispose {}
    }
    if (allowed) {
        Camera(session)
    } else {
        Column {
            Text(stringResource(R.string.camera_denied))
            Button(onClick = { ask.launch(Manifest.permission.CAMERA) }) { Text(stringResource(R.string.allow_camera)) }
            if (refused) {
                // After two refusals Android says no by itself, without asking: only its settings help then.
                Text(stringResource(R.string.camera_refused))
                TextButton(onClick = { openSettings(context) }) { Text(stringResource(R.string.open_settings)) }
            }
        }
    }
}

@Composable
private fun Camera(session: Session) {
    val context = LocalContext.current
    val owner = LocalLifecycleOwner.current
    val controller = remember { newController(context) }
    DisposableEffect(owner) {
        controller.setImageAnalysisAnalyzer(session.executor) { session.analyze(it) }
        controller.bindToLifecycle(owner)
        onDispose {
            controller.clearImageAnalysisAnalyzer()
            controller.unbind()
            session.cameraStopped()
        }
    }
    val description = stringResource(R.string.viewfinder)
    val cropped = session.contract?.geometry.let { it == null || it == Geometry.CROP }
    Box(Modifier.fillMaxSize()) {
        AndroidView(
            factory = { PreviewView(it).apply { this.controller = controller } },
            modifier = Modifier.fillMaxSize().semantics { contentDescription = description },
            update = { it.scaleType = if (cropped) PreviewView.ScaleType.FILL_CENTER else PreviewView.ScaleType.FIT_CENTER },
        )
        Ring(session.shown, if (cropped) 1f else FITTED)
        CameraControls(controller, Modifier.align(Alignment.BottomCenter))
    }
}

/** The shorter side of a frame of the shape 4:3 that is fitted into a square. */
private const val FITTED = 0.75f

/** White while the picture can be judged, amber while it cannot. */
@Composable
private fun Ring(answer: Answer?, shorter: Float) {
    val colour = if (answer is Answer.Refused) Color(0xFFFFB300) else Color.White
    Canvas(Modifier.fillMaxSize()) {
        drawCircle(colour, radius = size.minDimension * 0.4f * shorter, style = Stroke(width = 3.dp.toPx()))
    }
}

@Composable
private fun CameraControls(controller: CameraController, modifier: Modifier) {
    var light by remember { mutableStateOf(false) }
    var zoom by remember { mutableFloatStateOf(0f) }
    Row(modifier.fillMaxWidth(), verticalAlignment = Alignment.CenterVertically) {
        Text(stringResource(R.string.light))
        Switch(
            checked = light,
            onCheckedChange = {
                // A camera without a lamp leaves the switch off.
                light = it && controller.cameraInfo?.hasFlashUnit() == true
                controller.enableTorch(light)
            },
        )
        val description = stringResource(R.string.zoom)
        Slider(
            value = zoom,
            onValueChange = {
                zoom = it
                controller.setLinearZoom(it)
            },
            modifier = Modifier.weight(1f).semantics { contentDescription = description },
        )
    }
}

private fun mayUseCamera(context: Context) =
    ContextCompat.checkSelfPermission(context, Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

private fun openSettings(context: Context) {
    val app = Uri.fromParts("package", context.packageName, null)
    try {
        context.startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, app))
    } catch (_: ActivityNotFoundException) {
        // Some phones lack that screen: the sentence above the button says where to look.
    }
}

private fun newController(context: Context) = LifecycleCameraController(context).apply {
    cameraSelector = CameraSelector.DEFAULT_BACK_CAMERA
    setEnabledUseCases(CameraController.IMAGE_ANALYSIS)
    imageAnalysisOutputImageFormat = ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888
    imageAnalysisBackpressureStrategy = ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST
    // The preview has the same shape, so that both show the same square.
    val shape = AspectRatioStrategy.RATIO_4_3_FALLBACK_AUTO_STRATEGY
    previewResolutionSelector = ResolutionSelector.Builder().setAspectRatioStrategy(shape).build()
    imageAnalysisResolutionSelector = ResolutionSelector.Builder()
        .setAspectRatioStrategy(shape)
        .setResolutionStrategy(
            ResolutionStrategy(Size(1280, 960), ResolutionStrategy.FALLBACK_RULE_CLOSEST_HIGHER_THEN_LOWER),
        )
        .build()
    isTapToFocusEnabled = true
    isPinchToZoomEnabled = true
}
