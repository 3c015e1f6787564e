package org.skinkeras.app

import androidx.compose.foundation.layout.Box
import androidx.compose.material3.DropdownMenu
import androidx.compose.material3.DropdownMenuItem
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue

/** A button that lists what can be chosen, each with its title. */
@Composable
fun <T> Picker(label: String, entries: List<Pair<T, String>>, onChoice: (T) -> Unit) {
    var open by remember { mutableStateOf(false) }
    Box {
        TextButton(onClick = { open = true }) { Text(label) }
        DropdownMenu(expanded = open, onDismissRequest = { open = false }) {
            for ((entry, title) in entries) {
                DropdownMenuItem(
                    text = { Text(title) },
                    onClick = {
                        open = false
                        onChoice(entry)
                    },
                )
            }
        }
    }
}
