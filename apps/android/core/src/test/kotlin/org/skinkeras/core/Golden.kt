package org.skinkeras.core

import java.io.ByteArrayOutputStream
import java.util.Base64
import java.util.zip.InflaterOutputStream

/** The vectors that `apps/android/golden.py` wrote. */
object Golden {
    val json: JsonObject by lazy {
        val text = Golden::class.java.getResource("/golden.json")!!.readText()
        JsonObject.parse(text, "golden.json")
    }

    fun unpacked(text: String): ByteArray {
        val bytes = ByteArrayOutputStream()
        InflaterOutputStream(bytes).use { it.write(Base64.getDecoder().decode(text)) }
        return bytes.toByteArray()
    }

    /** The bytes as a model's input. */
    fun values(bytes: ByteArray) = FloatArray(bytes.size) { (bytes[it].toInt() and 0xff).toFloat() }
}

/** The released json of a binary model, shortened, with parts replaced. */
fun contractText(vararg changes: Pair<String, String>): String {
    var text = """
        {
          "name": "melanoma", "task": "melanoma or benign", "not_a_medical_device": true, "synthetic": false,
          "input": {"name": "image", "shape": [1, 192, 192, 3], "dtype": "float32", "colour": "RGB", "range": [0, 255]},
          "output": {"name": "probabilities", "shape": [1, 2]},
          "classes": ["benign", "malignant"],
          "positive_class": "malignant", "threshold": 0.423828125,
          "files": {"int8": {"file": "melanoma_int8.tflite",
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "test": {"n": 1363, "miss_rate": 0.4155844, "false_alarm_rate": 0.13813}}}
        }
    """.trimIndent()
    for ((old, new) in changes) {
        check(old in text) { "nothing to replace: $old" }
        text = text.replace(old, new)
    }
    return text
}

/** An unshipped float16 file, as `pipelines.release --kinds int8` leaves it in the json; put before the int8 one. */
const val UNSHIPPED =
    """"float16": {"file": "melanoma_float16.tflite", "shipped": false, "test": {"n": 1363, "miss_rate": 0.4},
       "sha256": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"}, """

/** The same, shipped. */
val SHIPPED = UNSHIPPED.replace(""""shipped": false, """, "")

/** A model whose file offers other lines (one of them its own) and leaves scores from 0.25 to below 0.5 undecided. */
fun choices() = ModelContract.parse(
    contractText(
        "\"file\":" to """"operating_points": {"sensitivity_95": 0.125, "own": 0.423828125}, "not_sure": [0.25, 0.5],
            "strata": {"within_source": {"malignant_recall": 0.75, "benign_recall": 0.875}}, "file":""",
        "\"n\": 1363" to """"n": 1363, "operating_points": {
            "sensitivity_95": {"miss_rate": 0.0625, "false_alarm_rate": 0.375},
            "own": {"miss_rate": null, "false_alarm_rate": 0.5}}""",
    ),
    "choices.json",
)

/** The model's file for the CPU, on the CPU. */
fun onCpu(contract: ModelContract) = ModelInUse(contract, contract.cpuFile, Processor.CPU)

/** The contract of a model for seven classes without a threshold, with parts replaced. */
fun sevenClasses(vararg changes: Pair<String, String>) = ModelContract.parse(
    contractText(
        """["benign", "malignant"]""" to """["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]""",
        """"positive_class": "malignant", "threshold": 0.423828125""" to
            """"positive_class": null, "threshold": null,
               "class_titles": {"mel": "melanoma", "nv": "melanocytic nevus"}, "schema_version": 1""",
        "[1, 2]" to "[1, 7]",
        """"miss_rate": 0.4155844, "false_alarm_rate": 0.13813""" to
            """"balanced_accuracy": 0.7312, "per_class": {"mel": {"recall": 0.5844}, "nv": {"recall": 0.91}, "vasc": {"recall": 0.8}}""",
        *changes,
    ),
    "seven.json",
)
