package org.skinkeras.app

import android.content.res.AssetManager
import org.skinkeras.core.ContractException
import org.skinkeras.core.ModelContract

/** The models among the app's assets, and a sentence for each that cannot be used. */
class ModelStore(assets: AssetManager) {
    val models: List<ModelContract>
    val problems: List<String>

    init {
        val problems = mutableListOf<String>()
        models = assets.list(FOLDER).orEmpty().filter { it.endsWith(".json") }.sorted().mapNotNull { name ->
            try {
                ModelContract.parse(assets.open("$FOLDER/$name").use { it.readBytes() }.decodeToString(), name)
            } catch (error: ContractException) {
                problems += error.message.orEmpty()
                null
            }
        }
        this.problems = problems
    }

    companion object {
        const val FOLDER = "models"
    }
}
