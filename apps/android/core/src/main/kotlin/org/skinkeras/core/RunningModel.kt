package org.skinkeras.core

/** What computes a model's answers. */
enum class Processor { CPU, GPU }

/** Which file of which model answers, and on what: all that is needed to put its answers into words. */
class ModelInUse(val contract: ModelContract, val file: ModelContract.ModelFile, val processor: Processor)

/** Runs one model file; for one thread. */
interface Runner : AutoCloseable {
    /** (size, size, 3) RGB values, 0..255 -> probabilities. */
    fun classify(input: FloatArray): FloatArray
}

/**
 * A model that runs and that answered the golden pictures as it was released; for one thread.
 *
 * @property note a sentence for the screen where the GPU was wanted and the CPU runs; null otherwise.
 */
class RunningModel private constructor(val inUse: ModelInUse, val note: String?, private val runner: Runner) : Runner by runner {
    companion object {
        /**
         * Starts a model on the GPU if that is wanted, and on the CPU if it is not or if the GPU fails.
         *
         * @param open opens a file; what it throws ends the attempt, and it leaves nothing open then.
         * @throws ContractException the CPU does not answer as the model was released.
         */
        fun start(contract: ModelContract, gpuWanted: Boolean, open: (ModelContract.ModelFile, Processor) -> Runner): RunningModel {
            var note: String? = null
            if (gpuWanted) {
                try {
                    return started(ModelInUse(contract, contract.gpuFile, Processor.GPU), null, open)
                } catch (error: Exception) {
                    // Whatever a driver may throw, and wherever: the CPU needs nothing of it.
                    note = "The GPU cannot run this model, the CPU does. ${error.message ?: error}"
                }
            }
            return started(ModelInUse(contract, contract.cpuFile, Processor.CPU), note, open)
        }

        private fun started(
            inUse: ModelInUse,
            note: String?,
            open: (ModelContract.ModelFile, Processor) -> Runner,
        ): RunningModel {
            val runner = open(inUse.file, inUse.processor)
            try {
                if (!inUse.file.answersAsReleased(inUse.contract.size, runner::classify)) {
                    throw ContractException(
                        "On this phone's ${inUse.processor} ${inUse.file.file} does not answer as it was released; it is not used.",
                    )
                }
            } catch (error: Throwable) {
                runner.close()
                throw error
            }
            return RunningModel(inUse, note, runner)
        }
    }
}
