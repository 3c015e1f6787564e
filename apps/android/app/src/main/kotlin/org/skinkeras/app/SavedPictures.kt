package org.skinkeras.app

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import java.io.File
import java.io.IOException
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale

/**
 * Pictures that the user kept, each a PNG and a text of the same name, in a folder of the app that no other app can
 * read and that is in no backup.
 */
class SavedPictures(private val folder: File) {
    class Saved(val name: String, val text: String)

    /** The newest first. */
    fun all(): List<Saved> = folder.listFiles { file -> file.extension == "png" }.orEmpty()
        .sortedByDescending { it.name }
        .map { Saved(it.nameWithoutExtension, text(it.nameWithoutExtension).takeIf(File::exists)?.readText().orEmpty()) }

    /** @throws IOException the phone's memory is full. */
    fun save(picture: Bitmap, text: String) {
        val name = SimpleDateFormat("yyyy-MM-dd HH.mm.ss.SSS", Locale.ROOT).format(Date())
        if (!folder.isDirectory && !folder.mkdirs()) throw IOException("The folder for images could not be made.")
        text(name).writeText(text)
        // The picture last, under a temporary name first: what is listed is whole.
        val temporary = File(folder, "$name.part")
        try {
            temporary.outputStream().use {
                if (!picture.compress(Bitmap.CompressFormat.PNG, 100, it)) throw IOException("The image could not be written.")
            }
            if (!temporary.renameTo(picture(name))) throw IOException("The image could not be saved.")
        } catch (error: IOException) {
            temporary.delete()
            text(name).delete()
            throw error
        }
    }

    fun load(saved: Saved): Bitmap? = BitmapFactory.decodeFile(picture(saved.name).path)

    fun delete(saved: Saved) {
        picture(saved.name).delete()
        text(saved.name).delete()
    }

    private fun picture(name: String) = File(folder, "$name.png")

    private fun text(name: String) = File(folder, "$name.txt")
}
