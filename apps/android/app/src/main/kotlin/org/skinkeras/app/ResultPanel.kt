package org.skinkeras.app

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import org.skinkeras.core.Answer
import org.skinkeras.core.ModelContract
import org.skinkeras.core.Reading
import org.skinkeras.core.Wording

/** The answer in words, the probabilities as bars, how long it took, and what the model is not. */
@Composable
fun ResultPanel(session: Session) {
    val contract = session.contract ?: return
    val answer = session.frozen?.answer ?: session.answer
    val running = session.running
    Column(verticalArrangement = Arrangement.spacedBy(6.dp)) {
        if (answer == null || running == null) {
            Text(stringResource(R.string.starting))
        } else {
            Text(session.sentence(contract, answer), style = MaterialTheme.typography.titleMedium)
            if (answer is Answer.Read) {
                Bars(contract, answer.reading)
                val latency = stringResource(
                    R.string.latency, running.file.file, running.accelerator, answer.modelMs, answer.preparationMs,
                )
                Text(latency, style = MaterialTheme.typography.bodySmall)
            }
            Text(Wording.limits(contract, running.file), style = MaterialTheme.typography.bodySmall)
        }
        Text(Wording.REMINDER, style = MaterialTheme.typography.bodySmall)
    }
}

@Composable
private fun Bars(contract: ModelContract, reading: Reading) {
    for (index in contract.classes.indices) {
        val probability = reading.probabilities[index]
        Column {
            Row(Modifier.fillMaxWidth(), Arrangement.SpaceBetween) {
                Text(contract.titles[index])
                Text(Wording.share(probability))
            }
            LinearProgressIndicator(progress = { probability }, modifier = Modifier.fillMaxWidth())
        }
    }
}
