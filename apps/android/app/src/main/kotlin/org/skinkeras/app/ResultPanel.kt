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
import org.skinkeras.core.Wording

/** The answer in words, the scores as bars, how long it took, and what the model is not. */
@Composable
fun ResultPanel(session: Session) {
    if (session.contract == null) return
    val answer = session.shown
    Column(verticalArrangement = Arrangement.spacedBy(6.dp)) {
        if (answer == null) Text(stringResource(R.string.no_answer)) else Answered(answer)
        LinePicker(session)
        Text(Wording.reminder, style = MaterialTheme.typography.bodySmall)
    }
}

/** All of it from the answer itself: by now, another model may be chosen. */
@Composable
private fun Answered(answer: Answer) {
    val model = answer.model
    val said = Wording.answer(answer)
    Text(said.verdict, style = MaterialTheme.typography.titleMedium)
    if (said.explanation.isNotEmpty()) Text(said.explanation)
    if (answer is Answer.Read) {
        for (bar in Wording.bars(model.contract, model.file, answer.reading)) Bar(bar)
        val latency = stringResource(
            R.string.latency, model.file.file, model.processor.name, answer.modelMs, answer.preparationMs,
        )
        Text(latency, style = MaterialTheme.typography.bodySmall)
    }
    for (note in Wording.notes(answer)) Text(note, style = MaterialTheme.typography.bodySmall)
}

/** Where the line is, if the file that runs offers a choice. */
@Composable
private fun LinePicker(session: Session) {
    val titles = session.inUse?.let { Wording.operatingPoints(it.file) }.orEmpty()
    if (titles.size < 2) return
    val chosen = titles[session.operatingPoint] ?: titles.getValue(null)
    Picker(stringResource(R.string.where_the_line_is, chosen), titles.toList(), session::moveLine)
}

@Composable
private fun Bar(bar: Wording.Bar) {
    Column {
        Row(Modifier.fillMaxWidth(), Arrangement.SpaceBetween) {
            Text(bar.title)
            Text(bar.score)
        }
        LinearProgressIndicator(progress = { bar.probability }, modifier = Modifier.fillMaxWidth())
        if (bar.note.isNotEmpty()) Text(bar.note, style = MaterialTheme.typography.bodySmall)
    }
}
