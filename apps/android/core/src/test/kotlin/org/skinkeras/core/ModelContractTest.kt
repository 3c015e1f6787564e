package org.skinkeras.core

import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class ModelContractTest {
    private fun refused(vararg changes: Pair<String, String>): String? =
        assertThrows(ContractException::class.java) { ModelContract.parse(contractText(*changes), "x.json") }.message

    @Test
    fun `every released model is understood, and its files are those described`() {
        // check.sh and Gradle say where the folder is.
        val folder = File(System.getProperty("skinkeras.models"))
        val contracts = folder.listFiles { file -> file.extension == "json" }!!
        assertTrue(contracts.isNotEmpty())
        for (json in contracts) {
            val contract = ModelContract.parse(json.readText(), json.name)
            assertEquals(json.nameWithoutExtension, contract.name)
            assertEquals(File(folder, "${contract.name}.labels.txt").readLines(), contract.classes)
            assertTrue(contract.files.isNotEmpty())
            // All that are to be run lie there; of those that were not shipped, the json has the figures alone.
            for (file in contract.files.values) file.check(File(folder, file.file).readBytes())
        }
    }

    @Test
    fun `a json says what of a picture is resized, and earlier ones mean a crop`() {
        fun of(word: String) = "\"dtype\": \"float32\"" to "\"dtype\": \"float32\", \"geometry\": $word"
        assertEquals(Geometry.CROP, ModelContract.parse(contractText(), "x.json").geometry)
        for (geometry in Geometry.entries) {
            assertEquals(geometry, ModelContract.parse(contractText(of("\"${geometry.word}\"")), "x.json").geometry)
        }
        assertEquals("x.json: input.geometry must be one of [crop, squash, pad].", refused(of("\"turn\"")))
    }

    @Test
    fun `a file that was not shipped is not offered`() {
        val text = contractText("\"int8\": {" to "$UNSHIPPED\"int8\": {")
        assertEquals(setOf("int8"), ModelContract.parse(text, "x.json").files.keys)
        val said = text.replace("\"shipped\": false", "\"shipped\": true")
        assertEquals(setOf("float16", "int8"), ModelContract.parse(said, "x.json").files.keys)
        assertEquals(
            "x.json: files must have one that is shipped, of the kinds [int8, float16, float32].",
            refused("\"file\": " to "\"shipped\": false, \"file\": "),
        )
        assertEquals("x.json: files.int8.shipped must be true or false.", refused("\"file\": " to "\"shipped\": \"no\", \"file\": "))
    }

    @Test
    fun `the GPU gets floats and the CPU integers, where they are there`() {
        fun files(before: String): List<String> {
            val contract = ModelContract.parse(contractText("\"int8\": {" to "$before\"int8\": {"), "x.json")
            return listOf(contract.cpuFile.file, contract.gpuFile.file)
        }
        assertEquals(listOf("melanoma_int8.tflite", "melanoma_float16.tflite"), files(SHIPPED))
        assertEquals(listOf("melanoma_int8.tflite", "melanoma_int8.tflite"), files(UNSHIPPED))
        val floats = ModelContract.parse(contractText("\"int8\": {" to "\"float32\": {"), "x.json")
        assertSame(floats.files["float32"], floats.cpuFile)
        assertSame(floats.files["float32"], floats.gpuFile)
    }

    @Test
    fun `a model that decides comes before those that only rank`() {
        val binary = ModelContract.parse(contractText(), "x.json")
        val seven = sevenClasses()
        assertSame(binary, ModelContract.toBeginWith(listOf(seven, binary)))
        assertSame(binary, ModelContract.toBeginWith(listOf(binary, seven)))
        assertSame(seven, ModelContract.toBeginWith(listOf(seven)))
        assertNull(ModelContract.toBeginWith(listOf()))
    }

    @Test
    fun `a binary model has a threshold, titles fall back to labels`() {
        val contract = ModelContract.parse(contractText(), "x.json")
        assertEquals(192, contract.size)
        assertEquals(1, contract.positive)
        assertEquals(0.423828125, contract.cpuFile.threshold)
        assertEquals(listOf("benign", "malignant"), contract.titles)
        val test = contract.files.getValue("int8").test!!
        assertEquals(0.4155844, test.errorRates!!.missed)
        assertEquals(0.13813, test.errorRates.flagged)
        assertEquals(1363, test.pictures)
        assertNull(test.balancedAccuracy)
    }

    @Test
    fun `a model for seven classes has none`() {
        val contract = sevenClasses()
        assertNull(contract.positive)
        assertNull(contract.cpuFile.threshold)
        assertEquals("melanoma", contract.titles[4])
        assertEquals("vasc", contract.titles[6])
        assertNull(contract.read(contract.cpuFile, FloatArray(7) { if (it == 4) 0.4f else 0.1f }).positive)
        val test = contract.cpuFile.test!!
        assertEquals(0.7312, test.balancedAccuracy)
        assertEquals(mapOf("mel" to 0.5844, "nv" to 0.91, "vasc" to 0.8), test.recalls)
    }

    @Test
    fun `what the app could not feed is refused when it is read`() {
        assertEquals("x.json: schema_version is newer than this app: update the app.", refused("\"name\": \"melanoma\"" to "\"schema_version\": 2, \"name\": \"melanoma\""))
        assertEquals("x.json: input.shape must be [1, size, size, 3].", refused("[1, 192, 192, 3]" to "[1, 192, 224, 3]"))
        assertEquals("x.json: input.shape must be [1, size, size, 3].", refused("[1, 192, 192, 3]" to "[1, 192.5, 192.5, 3]"))
        assertEquals("x.json: input.dtype must be \"float32\".", refused("\"float32\"" to "\"uint8\""))
        assertEquals("x.json: input.range must be [0, 255].", refused("[0, 255]" to "[0, 1]"))
        assertEquals("x.json: output.shape must be [1, 2], for the 2 classes.", refused("[1, 2]" to "[1, 7]"))
        assertEquals("x.json: classes must be at least two different labels.", refused("\"benign\"" to "\"malignant\""))
        assertEquals("x.json: positive_class must be one of [benign, malignant].", refused("\"positive_class\": \"malignant\"" to "\"positive_class\": \"mel\""))
        assertEquals("x.json: threshold must be a number.", refused("0.423828125" to "null"))
        for (wrong in listOf("42.4", "0", "1", "-5")) {
            assertEquals("x.json: threshold must be above 0 and below 1.", refused("0.423828125" to wrong))
        }
        assertEquals("x.json: threshold must be a number.", refused("0.423828125" to "true"))
        assertEquals("x.json: threshold must be a number.", refused("0.423828125" to "\"0.5\""))
        assertEquals("x.json is no JSON: line 6, unexpected 'N'.", refused("0.423828125" to "NaN"))
        assertEquals("x.json: files.int8.threshold must be above 0 and below 1.", refused("\"file\":" to "\"threshold\": 1.5, \"file\":"))
        assertEquals("x.json: threshold needs a positive_class.", refused("\"positive_class\": \"malignant\"" to "\"positive_class\": null"))
        assertEquals("x.json: not_a_medical_device must be true.", refused("\"not_a_medical_device\": true" to "\"not_a_medical_device\": false"))
        assertEquals("x.json: files.int8.file must be a name without folders.", refused("melanoma_int8.tflite" to "../secret.tflite"))
        assertEquals("x.json: files.int8.file must be a name without folders.", refused("melanoma_int8.tflite" to ".."))
        assertEquals("x.json: name must be a name without folders.", refused("\"name\": \"melanoma\"" to "\"name\": \"../pwn\""))
        assertEquals("x.json: files.int8.sha256 must be 64 hexadecimal digits.", refused("ba7816bf" to "xyz"))
        assertEquals("x.json: task is missing.", refused("\"task\"" to "\"tusk\""))
    }

    @Test
    fun `operating points and the scores left undecided belong to a file, and an older json has none`() {
        val old = ModelContract.parse(contractText(), "x.json").cpuFile
        assertEquals(mapOf<String, Double>(), old.operatingPoints)
        assertNull(old.notSure)
        assertNull(old.withinClinic)
        val file = choices().cpuFile
        assertEquals(mapOf("sensitivity_95" to 0.125, "own" to 0.423828125), file.operatingPoints)
        assertEquals(listOf(0.423828125, 0.125), listOf(file.thresholdAt(null), file.thresholdAt("sensitivity_95")))
        assertEquals(listOf(0.25, 0.125), file.withinClinic!!.let { listOf(it.missed, it.flagged) })
        assertEquals(listOf(0.0625, 0.375), file.test!!.operatingPoints.getValue("sensitivity_95").let { listOf(it.missed, it.flagged) })
        assertEquals(setOf("sensitivity_95"), file.test.operatingPoints.keys) // the other's rates are null
    }

    @Test
    fun `operating points and bands that make no sense are refused`() {
        fun with(fields: String) = refused("\"file\":" to "$fields, \"file\":")
        for (line in listOf("0", "1", "-0.1")) {
            assertEquals("x.json: files.int8.operating_points.cost_5 must be above 0 and below 1.", with("\"operating_points\": {\"cost_5\": $line}"))
        }
        assertEquals("x.json: files.int8.operating_points.cost_5 must be a number.", with("\"operating_points\": {\"cost_5\": \"0.5\"}"))
        assertEquals("x.json: files.int8.operating_points must be an object.", with("\"operating_points\": [0.5]"))
        for (band in listOf("[0.3]", "[0.3, 0.2]", "[-0.1, 0.2]", "[0.1, 1.5]", "[0.1, 0.2, 0.3]")) {
            assertEquals("x.json: files.int8.not_sure must be two scores, the lower one first.", with("\"not_sure\": $band"))
        }
        assertEquals("x.json: files.int8.not_sure must be a list of numbers.", with("\"not_sure\": [\"a\", \"b\"]"))
    }

    @Test
    fun `a score is undecided from the lower end of the band to below the upper one, at the model's own line alone`() {
        val contract = choices() // 0.25 to 0.5
        fun reading(malignant: Float, point: String? = null) =
            contract.read(contract.cpuFile, floatArrayOf(1 - malignant, malignant), point)
        assertEquals(listOf(true, false, false, true), listOf(Math.nextDown(0.25f), 0.25f, Math.nextDown(0.5f), 0.5f).map { reading(it).sure })
        assertEquals(listOf(false, true), listOf(0.3f, 0.45f).map { reading(it).positive })
        val chosen = reading(0.3f, "sensitivity_95")
        assertEquals(listOf(true, true, 1, "sensitivity_95"), listOf(chosen.sure, chosen.positive, chosen.called, chosen.operatingPoint))
        assertEquals(false, reading(0.1f, "sensitivity_95").positive)
        assertTrue(sevenClasses().let { it.read(it.cpuFile, FloatArray(7) { 1 / 7f }) }.sure)
    }

    @Test
    fun `another file than the described one is refused`() {
        val file = ModelContract.parse(contractText(), "x.json").files.getValue("int8")
        file.check("abc".toByteArray()) // the digest above is that of FIPS 180-2's example
        val error = assertThrows(ContractException::class.java) { file.check("abd".toByteArray()) }
        assertEquals("melanoma_int8.tflite is not the file that its json describes: copy both again.", error.message)
    }

    @Test
    fun `numbers that are no probabilities are refused`() {
        val contract = ModelContract.parse(contractText(), "x.json")
        for (answer in listOf(floatArrayOf(1f), floatArrayOf(0.7f, 0.7f), floatArrayOf(1.5f, -0.5f), floatArrayOf(Float.NaN, 1f))) {
            assertThrows(ContractException::class.java) { contract.read(contract.cpuFile, answer) }
        }
        // Steps of 1/256, as int8 files answer: they need not sum to 1.
        contract.read(contract.cpuFile, floatArrayOf(0.57421875f, 0.421875f))
    }

    @Test
    fun `answers are ordered`() {
        val contract = ModelContract.parse(contractText(), "x.json")
        val reading = contract.read(contract.cpuFile, floatArrayOf(0.57f, 0.43f))
        assertEquals(listOf(0, 1), reading.ranked)
        assertEquals(1, reading.called) // over the threshold, though not the most probable
        assertEquals(true, reading.positive)
    }
}
