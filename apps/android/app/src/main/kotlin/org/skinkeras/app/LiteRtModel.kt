package org.skinkeras.app

import android.content.res.AssetManager
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.LiteRtException
import org.skinkeras.core.ContractException
import org.skinkeras.core.ModelContract

/**
 * A model file, compiled by LiteRT for the CPU or the GPU. For one thread.
 *
 * The GPU computes in floats: it gets the float16 file where there is one, the CPU the int8 file.
 *
 * @throws ContractException the asset is not the file that the contract describes.
 * @throws LiteRtException LiteRT cannot run it, not even on the CPU.
 */
class LiteRtModel(assets: AssetManager, contract: ModelContract, gpuWanted: Boolean) : AutoCloseable {
    /** What runs the model: "CPU" or "GPU". */
    val accelerator: String

    /** The file that runs. */
    val file: ModelContract.ModelFile

    private val environment = Environment.create()
    private val model: CompiledModel

    init {
        // Asked first, because without its library LiteRT takes the CPU and says nothing.
        val gpu = gpuWanted && Accelerator.GPU in environment.getAvailableAccelerators()
        val onGpu = if (gpu) onGpu(assets, contract) else null
        file = onGpu?.second ?: choose(contract, "int8", "float16", "float32")
        accelerator = if (onGpu == null) "CPU" else "GPU"
        model = onGpu?.first ?: create(
            assets,
            file,
            CompiledModel.Options(Accelerator.CPU).apply { cpuOptions = CompiledModel.CpuOptions(numThreads = 2) },
        )
    }

    private val inputs = model.createInputBuffers()
    private val outputs = model.createOutputBuffers()

    /** (size, size, 3) RGB values, 0..255 -> probabilities. */
    fun classify(input: FloatArray): FloatArray {
        inputs[0].writeFloat(input)
        model.run(inputs, outputs)
        return outputs[0].readFloat()
    }

    override fun close() {
        (inputs + outputs).forEach { it.close() }
        model.close()
        environment.close()
    }

    private fun onGpu(assets: AssetManager, contract: ModelContract): Pair<CompiledModel, ModelContract.ModelFile>? {
        val file = choose(contract, "float16", "float32", "int8")
        return try {
            // The GPU alone: with the CPU beside it, nobody could say which of them ran what.
            create(assets, file, CompiledModel.Options(Accelerator.GPU)) to file
        } catch (_: LiteRtException) {
            null // this phone's GPU lacks something: `accelerator` tells that the CPU runs
        }
    }

    private fun create(assets: AssetManager, file: ModelContract.ModelFile, options: CompiledModel.Options): CompiledModel {
        val path = "${ModelStore.FOLDER}/${file.file}"
        file.check(assets.open(path).use { it.readBytes() })
        return CompiledModel.create(assets, path, options, environment)
    }

    private fun choose(contract: ModelContract, vararg kinds: String) =
        kinds.firstNotNullOfOrNull { contract.files[it] }
            ?: throw ContractException("${contract.name} has no file of the kinds ${kinds.toList()}.")
}
