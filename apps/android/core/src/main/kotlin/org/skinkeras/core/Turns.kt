package org.skinkeras.core

/**
 * Keeps what one thread computes from being shown after another thread went on: each choice of a model is a turn
 * with a number, and what an earlier turn still brings is dropped. The looking and the showing are one step, under
 * one lock, so that nothing slips in between.
 */
class Turns {
    private var current = 0

    /** Begins a turn and clears, in the same step, what the last one left. */
    @Synchronized
    fun next(clear: () -> Unit): Int {
        clear()
        return ++current
    }

    @Synchronized
    fun isCurrent(turn: Int) = turn == current

    /** Does what it is told to, unless a later turn has begun. */
    @Synchronized
    fun ifCurrent(turn: Int, show: () -> Unit) {
        if (turn == current) show()
    }
}

/**
 * The wish to freeze the next frame. It lapses: where no frame came, because the camera or the model was not
 * ready, one that comes much later must not freeze by itself.
 */
class FreezeRequest(private val lapsesAfterMs: Long = 2000) {
    private var askedAt: Long? = null

    /** @param timeMs from the same clock as in [take]. */
    @Synchronized
    fun ask(timeMs: Long) {
        askedAt = timeMs
    }

    /** Whether the frame of this moment is to be frozen; once for each wish. */
    @Synchronized
    fun take(timeMs: Long): Boolean {
        val asked = askedAt ?: return false
        askedAt = null
        return timeMs - asked <= lapsesAfterMs
    }

    @Synchronized
    fun clear() {
        askedAt = null
    }
}
