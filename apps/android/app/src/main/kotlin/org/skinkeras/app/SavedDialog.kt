package org.skinkeras.app

import androidx.compose.foundation.Image
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.asImageBitmap
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp

/** The pictures that the user kept, with what the model said, to look at and to delete. */
@Composable
fun SavedDialog(pictures: SavedPictures, onClose: () -> Unit) {
    var listed by remember { mutableStateOf(pictures.all()) }
    AlertDialog(
        onDismissRequest = onClose,
        confirmButton = { TextButton(onClick = onClose) { Text(stringResource(R.string.close)) } },
        title = { Text(stringResource(R.string.saved)) },
        text = {
            if (listed.isEmpty()) Text(stringResource(R.string.nothing_saved))
            LazyColumn {
                items(listed) { saved ->
                    SavedPicture(pictures, saved) {
                        pictures.delete(saved)
                        listed = pictures.all()
                    }
                }
            }
        },
    )
}

@Composable
private fun SavedPicture(pictures: SavedPictures, saved: SavedPictures.Saved, onDelete: () -> Unit) {
    val picture = remember(saved.name) { pictures.load(saved) }
    Column {
        picture?.let { Image(it.asImageBitmap(), contentDescription = saved.name, modifier = Modifier.size(120.dp)) }
        Text("${saved.name}\n${saved.text}")
        TextButton(onClick = onDelete) { Text(stringResource(R.string.delete)) }
    }
}
