package org.skinkeras.app

import android.content.res.AssetManager
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.TensorBuffer
import org.skinkeras.core.ModelContract
import org.skinkeras.core.Processor
import org.skinkeras.core.Runner

/** A model file, compiled by LiteRT for the CPU or the GPU. For one thread. */
class LiteRtModel private constructor(
    private val model: CompiledModel,
    private val inputs: List<TensorBuffer>,
    private val outputs: List<TensorBuffer>,
    private val opened: List<AutoCloseable>,
) : Runner {
    override fun classify(input: FloatArray): FloatArray {
        inputs[0].writeFloat(input)
        model.run(inputs, outputs)
        return outputs[0].readFloat()
    }

    override fun close() = closeAll(opened)

    companion object {
        /**
         * @throws org.skinkeras.core.ContractException the asset is not the file that the contract describes.
         * @throws java.io.IOException there is no such asset.
         * @throws com.google.ai.edge.litert.LiteRtException LiteRT cannot run it.
         * @throws UnsupportedOperationException there is no GPU that LiteRT can use.
         */
        fun open(assets: AssetManager, file: ModelContract.ModelFile, processor: Processor): LiteRtModel {
            val path = "${ModelStore.FOLDER}/${file.file}"
            file.check(assets.open(path).use { it.readBytes() })
            // None of this is freed by itself: what was opened before a failure is closed.
            val opened = mutableListOf<AutoCloseable>()
            try {
                val environment = Environment.create().also { opened += it }
                // Asked first, because without its library LiteRT takes the CPU and says nothing.
                if (processor == Processor.GPU && Accelerator.GPU !in environment.getAvailableAccelerators()) {
                    throw UnsupportedOperationException("LiteRT finds no GPU that it can use.")
                }
                val model = CompiledModel.create(assets, path, options(processor), environment).also { opened += it }
                val inputs = model.createInputBuffers().also { opened += it }
                val outputs = model.createOutputBuffers().also { opened += it }
                return LiteRtModel(model, inputs, outputs, opened)
            } catch (error: Throwable) {
                closeAll(opened)
                throw error
            }
        }

        private fun options(processor: Processor) = when (processor) {
            // The GPU alone: with the CPU beside it, nobody could say which of them ran what.
            Processor.GPU -> CompiledModel.Options(Accelerator.GPU)
            Processor.CPU ->
                CompiledModel.Options(Accelerator.CPU).apply { cpuOptions = CompiledModel.CpuOptions(numThreads = 2) }
        }

        /** The last opened first: buffers belong to the model, and the model to the environment. */
        private fun closeAll(opened: List<AutoCloseable>) = opened.asReversed().forEach { it.close() }
    }
}
