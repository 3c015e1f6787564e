package org.skinkeras.core

import kotlin.math.pow

/**
 * Steadies the probabilities of a live camera: an exponential average over time, so that a faster phone does not
 * show other numbers than a slow one. What it returns still sums to 1.
 *
 * @param halfLifeMs after this time, half of the answer comes from newer frames.
 * @param longestGapMs after a longer pause the average starts anew: the camera may point elsewhere.
 */
class TemporalSmoother(private val halfLifeMs: Double = 300.0, private val longestGapMs: Long = 1000) {
    private var average: FloatArray? = null
    private var last = 0L

    /** @param timeMs when the frame was taken, from any clock that does not run backwards. */
    fun update(probabilities: FloatArray, timeMs: Long): FloatArray {
        val before = average
        val elapsed = timeMs - last
        last = timeMs
        val now = if (before == null || before.size != probabilities.size || elapsed !in 0..longestGapMs) {
            probabilities.copyOf()
        } else {
            val kept = 0.5.pow(elapsed / halfLifeMs).toFloat()
            FloatArray(before.size) { kept * before[it] + (1 - kept) * probabilities[it] }
        }
        average = now
        return now.copyOf()
    }

    /** Forgets everything: another model, or a picture that was refused. */
    fun reset() {
        average = null
    }
}
