package org.skinkeras.app

import android.app.Application
import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import android.os.SystemClock
import androidx.camera.core.ImageProxy
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.lifecycle.AndroidViewModel
import com.google.ai.edge.litert.LiteRtException
import java.io.File
import java.io.IOException
import java.util.concurrent.Executors
import org.skinkeras.core.Answer
import org.skinkeras.core.ContractException
import org.skinkeras.core.FreezeRequest
import org.skinkeras.core.ModelContract
import org.skinkeras.core.ModelInUse
import org.skinkeras.core.PictureReader
import org.skinkeras.core.RgbaFrame
import org.skinkeras.core.RunningModel
import org.skinkeras.core.Turns
import org.skinkeras.core.Wording

/** What the screen shows, and the one thread on which the model lives. */
class Session(application: Application) : AndroidViewModel(application) {
    /** A picture that stands still, with the answer to it alone, which also says what model gave it. */
    class Frozen(val picture: Bitmap, val answer: Answer)

    private class Loaded(val turn: Int, val model: RunningModel) {
        val size = model.inUse.contract.size
        val geometry = model.inUse.contract.geometry
        val reader = PictureReader(model.inUse, classify = model::classify)
    }

    val executor = Executors.newSingleThreadExecutor()
    val store = ModelStore(application.assets)
    // Not in any backup: what is saved never leaves the phone.
    val saved = SavedPictures(File(application.noBackupFilesDir, "saved"))

    /** The model that was chosen. What is shown may still come from the one before: see [Answer.model]. */
    var contract by mutableStateOf(ModelContract.toBeginWith(store.models))
        private set
    var gpuWanted by mutableStateOf(false)
        private set

    /** The file that runs; null while none does. */
    var inUse by mutableStateOf<ModelInUse?>(null)
        private set

    /** The operating point that was chosen; null for the model's own line. A file that does not offer it keeps its own. */
    var operatingPoint by mutableStateOf<String?>(null)
        private set

    // Both at the model's own line: see `shown`.
    private var answer by mutableStateOf<Answer?>(null)
    var frozen by mutableStateOf<Frozen?>(null)
        private set
    var message by mutableStateOf(store.problems.firstOrNull())
        private set

    private val preferences = application.getSharedPreferences("skinkeras", Context.MODE_PRIVATE)
    var accepted by mutableStateOf(preferences.getBoolean("not_a_medical_device", false))
        private set

    private var loaded: Loaded? = null // touched on the executor only
    private val turns = Turns() // one for each choice of a model
    private val freezing = FreezeRequest()

    init {
        contract?.let { choose(it, gpuWanted) }
    }

    /** Before this, nothing is shown and the camera stays off. */
    fun accept() {
        preferences.edit().putBoolean("not_a_medical_device", true).apply()
        accepted = true
    }

    /**
     * The answer to what is on the screen, at the chosen operating point. It is worked out whenever it is shown: the model
     * does not run again for another choice, and an answer that was on its way is not shown at an earlier one.
     */
    val shown: Answer? get() = (frozen?.answer ?: answer)?.at(operatingPoint)

    fun moveLine(chosen: String?) {
        operatingPoint = chosen
    }

    fun choose(chosen: ModelContract, gpu: Boolean) {
        if (chosen !== contract) operatingPoint = null
        contract = chosen
        gpuWanted = gpu
        freezing.clear()
        val turn = turns.next {
            inUse = null
            answer = null
            frozen = null
            message = store.problems.firstOrNull()
        }
        inBackground(turn) {
            loaded?.model?.close()
            loaded = null
            if (!turns.isCurrent(turn)) return@inBackground // another choice waits already
            val assets = getApplication<Application>().assets
            val model = RunningModel.start(chosen, gpu) { file, processor -> LiteRtModel.open(assets, file, processor) }
            loaded = Loaded(turn, model)
            turns.ifCurrent(turn) {
                inUse = model.inUse
                model.note?.let { message = it }
            }
        }
    }

    /** One frame of the camera, on the executor; closes it. */
    fun analyze(image: ImageProxy) = image.use {
        val loaded = loaded
        if (loaded == null || !turns.isCurrent(loaded.turn) || frozen != null) return@use
        reporting(loaded.turn) {
            val frame = image.asFrame()
            val now = SystemClock.elapsedRealtime()
            if (freezing.take(now)) {
                show(frame, loaded)
            } else {
                val read = loaded.reader.live(frame, now)
                turns.ifCurrent(loaded.turn) { answer = read }
            }
        }
    }

    fun freeze() = freezing.ask(SystemClock.elapsedRealtime())

    /** A wish to freeze ends with the camera: the first frame of the next time is not meant. */
    fun cameraStopped() = freezing.clear()

    fun backToLive() {
        freezing.clear()
        frozen = null
        answer = null
        message = null
    }

    fun open(photo: Uri) {
        freezing.clear()
        inBackground {
            val loaded = loaded ?: return@inBackground
            show(getApplication<Application>().contentResolver.readPhoto(photo, loaded.size), loaded)
        }
    }

    fun save(done: String) {
        val picture = frozen?.picture ?: return
        val text = Wording.saved(shown ?: return)
        inBackground {
            saved.save(picture, text)
            message = done
        }
    }

    override fun onCleared() {
        executor.execute { loaded?.model?.close() }
        executor.shutdown()
    }

    private fun show(frame: RgbaFrame, loaded: Loaded) {
        val still = Frozen(frame.shown(loaded.geometry), loaded.reader.single(frame))
        turns.ifCurrent(loaded.turn) { frozen = still }
    }

    private fun inBackground(turn: Int? = null, work: () -> Unit) = executor.execute { reporting(turn, work) }

    /** Puts what fails into a sentence; that of a turn which is over is dropped. */
    private fun reporting(turn: Int?, work: () -> Unit) {
        val problem = problemOf(work) ?: return
        if (turn == null) message = problem else turns.ifCurrent(turn) { message = problem }
    }

    private fun problemOf(work: () -> Unit): String? {
        try {
            work()
            return null
        } catch (error: ContractException) {
            return error.message
        } catch (error: LiteRtException) {
            return "LiteRT cannot run this model: ${error.message}"
        } catch (error: IOException) {
            return error.message
        } catch (error: SecurityException) {
            return "The app may not read this photo."
        } catch (error: OutOfMemoryError) {
            return "This image is too large for the phone's memory."
        }
    }
}
