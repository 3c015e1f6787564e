package org.skinkeras.app

import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts
import androidx.compose.foundation.Image
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.aspectRatio
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.Button
import androidx.compose.material3.Switch
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.asImageBitmap
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import org.skinkeras.core.Wording

@Composable
fun MainScreen(session: Session) {
    if (!session.accepted) {
        NotADevice(session::accept)
        return
    }
    var listing by remember { mutableStateOf(false) }
    Column(
        Modifier.fillMaxSize().safeDrawingPadding().verticalScroll(rememberScrollState()).padding(12.dp),
        verticalArrangement = Arrangement.spacedBy(8.dp),
    ) {
        ModelPicker(session)
        Box(Modifier.fillMaxWidth().aspectRatio(1f)) {
            val frozen = session.frozen
            if (frozen == null) {
                Viewfinder(session)
            } else {
                Image(
                    frozen.picture.asImageBitmap(),
                    contentDescription = stringResource(R.string.frozen_picture),
                    modifier = Modifier.fillMaxSize(),
                )
            }
        }
        Actions(session) { listing = true }
        session.message?.let { Text(it) }
        ResultPanel(session)
    }
    if (listing) SavedDialog(session.saved) { listing = false }
}

/** Shown once, before anything else; it cannot be dismissed, only accepted. */
@Composable
private fun NotADevice(onAccept: () -> Unit) {
    AlertDialog(
        onDismissRequest = {},
        confirmButton = { Button(onClick = onAccept) { Text(stringResource(R.string.understood)) } },
        title = { Text(Wording.title) },
        text = { Text(Wording.notADevice) },
    )
}

@Composable
private fun ModelPicker(session: Session) {
    val contract = session.contract
    if (contract == null) {
        Text(stringResource(R.string.no_model))
        return
    }
    Row(Modifier.fillMaxWidth(), Arrangement.SpaceBetween, Alignment.CenterVertically) {
        Picker(contract.task, session.store.models.map { it to "${it.task} (${it.name})" }) {
            session.choose(it, session.gpuWanted)
        }
        Row(verticalAlignment = Alignment.CenterVertically) {
            Text(stringResource(R.string.gpu))
            Switch(checked = session.gpuWanted, onCheckedChange = { session.choose(contract, it) })
        }
    }
}

@Composable
private fun Actions(session: Session, onList: () -> Unit) {
    val gallery = rememberLauncherForActivityResult(ActivityResultContracts.PickVisualMedia()) { photo ->
        if (photo != null) session.open(photo)
    }
    Row(Modifier.fillMaxWidth(), Arrangement.SpaceBetween) {
        if (session.frozen == null) {
            Button(onClick = session::freeze) { Text(stringResource(R.string.freeze)) }
        } else {
            val done = stringResource(R.string.saved_done)
            Button(onClick = session::backToLive) { Text(stringResource(R.string.live)) }
            Button(onClick = { session.save(done) }) { Text(stringResource(R.string.save)) }
        }
        TextButton(onClick = { gallery.launch(PickVisualMediaRequest(ActivityResultContracts.PickVisualMedia.ImageOnly)) }) {
            Text(stringResource(R.string.gallery))
        }
        TextButton(onClick = onList) { Text(stringResource(R.string.saved)) }
    }
}
