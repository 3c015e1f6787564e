package org.skinkeras.core

/**
 * Whether a JPEG, PNG or WebP file breaks off before its end; false for all other bytes.
 *
 * To be asked before decoding: many decoders fill what is missing with grey and report no error, and a model would
 * score the grey.
 */
fun isCutOff(file: ByteArray): Boolean = when {
    file.startsWith(0xff, 0xd8, 0xff) -> !jpegEnds(file)
    file.startsWith(0x89, 'P'.code, 'N'.code, 'G'.code) -> !pngEnds(file)
    file.startsWith('R'.code, 'I'.code, 'F'.code, 'F'.code) -> !riffEnds(file)
    else -> false
}

/** Walks the segments to the end mark of the picture itself: a thumbnail inside a segment has one of its own. */
private fun jpegEnds(file: ByteArray): Boolean {
    var at = 2
    while (at + 1 < file.size) {
        val mark = file.byte(at + 1)
        when {
            // The data of a scan; or stray bytes between segments, which decoders skip too.
            file.byte(at) != 0xff -> at++
            mark == 0xd9 -> return true
            mark == 0xff -> at++ // padding before a mark
            // These have no length: an escaped 0xff inside a scan, and the marks that restart one.
            mark == 0x00 || mark == 0x01 || mark in 0xd0..0xd8 -> at += 2
            at + 3 >= file.size -> return false
            else -> at += 2 + (file.byte(at + 2) shl 8) + file.byte(at + 3)
        }
    }
    return false
}

/** Walks the chunks to the last, whose checksum must be there too. */
private fun pngEnds(file: ByteArray): Boolean {
    var at = 8L
    while (at + 12 <= file.size) {
        val chunk = at.toInt()
        val type = String(file, chunk + 4, 4, Charsets.ISO_8859_1)
        if (type == "IEND") return true
        val length = (0..3).fold(0L) { sum, index -> sum * 256 + file.byte(chunk + index) }
        at += 12 + length
    }
    return false
}

/** A WebP file says at its head how long it is. */
private fun riffEnds(file: ByteArray): Boolean {
    if (file.size < 8) return false
    val length = (7 downTo 4).fold(0L) { sum, index -> sum * 256 + file.byte(index) }
    return length + 8 <= file.size
}

private fun ByteArray.startsWith(vararg start: Int) = size >= start.size && start.indices.all { byte(it) == start[it] }

private fun ByteArray.byte(index: Int) = this[index].toInt() and 0xff
