package org.skinkeras.core

/** What became of one picture, and by which model; times in milliseconds. */
sealed class Answer {
    abstract val model: ModelInUse
    abstract val quality: Quality
    abstract val preparationMs: Double

    /** The picture was not shown to the model. */
    class Refused(
        override val model: ModelInUse,
        override val quality: Quality,
        override val preparationMs: Double,
    ) : Answer() {
        val issue get() = quality.issue!!
    }

    class Read(
        override val model: ModelInUse,
        val reading: Reading,
        override val quality: Quality,
        override val preparationMs: Double,
        val modelMs: Double,
    ) : Answer()

    /**
     * The same answer at an operating point, of which null is the model's own line: also where the file that answered
     * offers none of that name. The model does not run again.
     */
    fun at(operatingPoint: String?): Answer {
        if (this !is Read) return this
        val point = operatingPoint.takeIf { it in model.file.operatingPoints }
        return Read(model, model.contract.read(model.file, reading.probabilities, point), quality, preparationMs, modelMs)
    }
}

/**
 * From a frame to an answer: resize, judge the quality, ask the model, steady the probabilities.
 *
 * Not for several threads at once.
 *
 * @param model whose answers these are.
 * @param classify (size, size, 3) RGB values -> probabilities; the array is used again for the next frame.
 */
class PictureReader(
    private val model: ModelInUse,
    private val quality: PictureQuality = PictureQuality(),
    private val smoother: TemporalSmoother = TemporalSmoother(),
    private val classify: (FloatArray) -> FloatArray,
) {
    private val contract = model.contract
    private val resizer = SquareResizer(contract.size, contract.geometry)
    private val input = FloatArray(3 * contract.size * contract.size)

    /** One frame of a live camera, taken at `timeMs`. */
    fun live(frame: RgbaFrame, timeMs: Long): Answer = answer(frame) { smoother.update(it, timeMs) }

    /** A single picture, on which no earlier one has an influence. */
    fun single(picture: RgbaFrame): Answer = answer(picture) { it }

    private fun answer(frame: RgbaFrame, steady: (FloatArray) -> FloatArray): Answer {
        val start = System.nanoTime()
        resizer.resize(frame, input)
        val judged = quality.judge(input, contract.size, frame.view(contract.geometry).filled(contract.size))
        val prepared = System.nanoTime()
        if (judged.issue != null) {
            smoother.reset()
            return Answer.Refused(model, judged, milliseconds(prepared - start))
        }
        val probabilities = classify(input)
        val modelTime = System.nanoTime() - prepared
        contract.read(model.file, probabilities) // before it can spoil the average
        val reading = contract.read(model.file, steady(probabilities))
        return Answer.Read(model, reading, judged, milliseconds(prepared - start), milliseconds(modelTime))
    }

    private fun milliseconds(nanoseconds: Long) = nanoseconds / 1e6
}
