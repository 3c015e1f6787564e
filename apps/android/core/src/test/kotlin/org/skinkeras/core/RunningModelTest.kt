package org.skinkeras.core

import java.io.FileNotFoundException
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

class RunningModelTest {
    private val golden = """"golden": {"tolerance": 0.01, "pictures": [{"name": "ramp", "probabilities": [0.9, 0.1]}]}"""
    private val contract = ModelContract.parse(
        contractText(
            "\"test\":" to "$golden, \"test\":",
            "\"int8\": {" to "${SHIPPED.replace("\"test\":", "$golden, \"test\":")}\"int8\": {",
        ),
        "x.json",
    )

    /** What was opened and closed, in order. */
    private val events = mutableListOf<String>()

    private inner class Fake(private val name: String, private val answer: () -> FloatArray) : Runner {
        init {
            events += "open $name"
        }

        override fun classify(input: FloatArray) = answer()

        override fun close() {
            events += "close $name"
        }
    }

    private val right = { floatArrayOf(0.9f, 0.1f) }
    private val wrong = { floatArrayOf(0.1f, 0.9f) }

    private fun start(gpuWanted: Boolean, gpu: () -> FloatArray = right, cpu: () -> FloatArray = right, of: ModelContract = contract) =
        RunningModel.start(of, gpuWanted) { file, processor ->
            Fake("$processor ${file.file}", if (processor == Processor.GPU) gpu else cpu)
        }

    @Test
    fun `the wanted processor runs its file`() {
        val onCpu = start(gpuWanted = false)
        assertEquals(Processor.CPU, onCpu.inUse.processor)
        assertEquals(contract.cpuFile, onCpu.inUse.file)
        val onGpu = start(gpuWanted = true)
        assertEquals(Processor.GPU, onGpu.inUse.processor)
        assertEquals(contract.gpuFile, onGpu.inUse.file)
        assertNull(onGpu.note)
        assertEquals(0.9f, onGpu.classify(FloatArray(0))[0])
        onGpu.close()
        assertEquals(listOf("open CPU melanoma_int8.tflite", "open GPU melanoma_float16.tflite", "close GPU melanoma_float16.tflite"), events)
    }

    @Test
    fun `a GPU that answers wrongly is closed, and the CPU runs`() {
        val model = start(gpuWanted = true, gpu = wrong)
        assertEquals(Processor.CPU, model.inUse.processor)
        assertEquals(listOf("open GPU melanoma_float16.tflite", "close GPU melanoma_float16.tflite", "open CPU melanoma_int8.tflite"), events)
        assertEquals(
            "The GPU cannot run this model, the CPU does. " +
                "On this phone's GPU melanoma_float16.tflite does not answer as it was released; it is not used.",
            model.note,
        )
    }

    @Test
    fun `a GPU that fails while it answers is closed, and the CPU runs`() {
        val model = start(gpuWanted = true, gpu = { error("the driver crashed") })
        assertEquals(listOf("open GPU melanoma_float16.tflite", "close GPU melanoma_float16.tflite", "open CPU melanoma_int8.tflite"), events)
        assertEquals("The GPU cannot run this model, the CPU does. the driver crashed", model.note)
    }

    @Test
    fun `a GPU that cannot be opened, or whose file is gone, leaves the CPU`() {
        val model = RunningModel.start(contract, true) { file, processor ->
            if (processor == Processor.GPU) throw FileNotFoundException(file.file)
            Fake("CPU", right)
        }
        assertEquals(Processor.CPU, model.inUse.processor)
        assertEquals(listOf("open CPU"), events)
    }

    @Test
    fun `without a float file that is shipped, the GPU gets the integers`() {
        val onlyInt8 = ModelContract.parse(contractText("\"int8\": {" to "$UNSHIPPED\"int8\": {"), "x.json")
        start(gpuWanted = true, of = onlyInt8)
        assertEquals(listOf("open GPU melanoma_int8.tflite"), events)
    }

    @Test
    fun `a CPU that answers wrongly or fails is closed, and that is the end`() {
        val error = assertThrows(ContractException::class.java) { start(gpuWanted = false, cpu = wrong) }
        assertEquals("On this phone's CPU melanoma_int8.tflite does not answer as it was released; it is not used.", error.message)
        assertThrows(IllegalStateException::class.java) { start(gpuWanted = false, cpu = { error("no memory") }) }
        assertEquals(List(2) { listOf("open CPU melanoma_int8.tflite", "close CPU melanoma_int8.tflite") }.flatten(), events)
    }
}
