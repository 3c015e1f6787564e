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
import org.skinkeras.core.ModelContract
import org.skinkeras.core.PictureReader
import org.skinkeras.core.RgbaFrame
import org.skinkeras.core.Wording

/** What the screen shows, and the one thread on which the model lives. */
class Session(application: Application) : AndroidViewModel(application) {
    /** A picture that stands still, with the answer to it alone. */
    class Frozen(val picture: Bitmap, val answer: Answer)

    private class Loaded(val model: LiteRtModel, val reader: PictureReader)

    val executor = Executors.newSingleThreadExecutor()
    val store = ModelStore(application.assets)
    // Not in any backup: what is saved never leaves the phone.
    val saved = SavedPictures(File(application.noBackupFilesDir, "saved"))

    var contract by mutableStateOf(store.models.firstOrNull())
        private set
    var gpuWanted by mutableStateOf(false)
        private set
    var running by mutableStateOf<LiteRtModel?>(null)
        private set
    var answer by mutableStateOf<Answer?>(null)
        private set
    var frozen by mutableStateOf<Frozen?>(null)
        private set
    var message by mutableStateOf(store.problems.firstOrNull())
        private set

    private val preferences = application.getSharedPreferences("skinkeras", Context.MODE_PRIVATE)
    var accepted by mutableStateOf(preferences.getBoolean("not_a_medical_device", false))
        private set

    private var loaded: Loaded? = null // touched on the executor only
    @Volatile private var freezeNext = false

    init {
        contract?.let { choose(it, gpuWanted) }
    }

    /** Before this, nothing is shown and the camera stays off. */
    fun accept() {
        preferences.edit().putBoolean("not_a_medical_device", true).apply()
        accepted = true
    }

    fun choose(chosen: ModelContract, gpu: Boolean) {
        contract = chosen
        gpuWanted = gpu
        answer = null
        frozen = null
        message = store.problems.firstOrNull()
        inBackground {
            loaded?.model?.close()
            loaded = null
            running = null
            val model = checked(chosen, gpu)
            loaded = Loaded(model, PictureReader(chosen, classify = model::classify))
            running = model
        }
    }

    /** One frame of the camera, on the executor; closes it. */
    fun analyze(image: ImageProxy) = image.use {
        val reader = loaded?.reader
        if (reader == null || frozen != null) return@use
        reporting {
            val frame = image.asFrame()
            if (freezeNext) {
                freezeNext = false
                show(frame, reader)
            } else {
                answer = reader.live(frame, SystemClock.elapsedRealtime())
            }
        }
    }

    fun freeze() {
        freezeNext = true
    }

    fun backToLive() {
        freezeNext = false
        frozen = null
        answer = null
        message = null
    }

    fun open(photo: Uri) = inBackground {
        val reader = loaded?.reader ?: return@inBackground
        show(getApplication<Application>().contentResolver.readPhoto(photo, reader.contract.size), reader)
    }

    fun save(done: String) {
        val shown = frozen ?: return
        val model = contract ?: return
        inBackground {
            saved.save(shown.picture, "${model.name}: ${sentence(model, shown.answer)}\n${Wording.REMINDER}")
            message = done
        }
    }

    /** The answer in words. */
    fun sentence(model: ModelContract, answer: Answer): String = when (answer) {
        is Answer.Refused -> Wording.refusal(answer.issue)
        is Answer.Read -> Wording.result(model, answer.reading)
    }

    override fun onCleared() {
        executor.execute { loaded?.model?.close() }
        executor.shutdown()
    }

    /** The model, after it gave the golden pictures the answers of its release. */
    private fun checked(chosen: ModelContract, gpu: Boolean): LiteRtModel {
        val model = LiteRtModel(getApplication<Application>().assets, chosen, gpu)
        if (model.file.answersAsReleased(chosen.size, model::classify)) return model
        model.close()
        if (model.accelerator != "GPU") {
            throw ContractException("On this phone ${model.file.file} does not answer as it was released; it is not used.")
        }
        message = "This phone's GPU does not answer as the model was released: the CPU runs it."
        return checked(chosen, false)
    }

    private fun show(frame: RgbaFrame, reader: PictureReader) {
        frozen = Frozen(frame.squareBitmap(), reader.single(frame))
    }

    private fun inBackground(work: () -> Unit) = executor.execute { reporting(work) }

    private fun reporting(work: () -> Unit) {
        try {
            work()
        } catch (error: ContractException) {
            message = error.message
        } catch (error: LiteRtException) {
            message = "LiteRT cannot run this model: ${error.message}"
        } catch (error: IOException) {
            message = error.message
        } catch (error: SecurityException) {
            message = "The app may not read this photo."
        } catch (error: OutOfMemoryError) {
            message = "This picture is too large for the phone's memory."
        }
    }
}
