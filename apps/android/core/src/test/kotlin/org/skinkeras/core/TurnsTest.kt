package org.skinkeras.core

import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class TurnsTest {
    @Test
    fun `what an earlier turn brings is dropped`() {
        val turns = Turns()
        var shown: String? = null
        val first = turns.next { shown = null }
        turns.ifCurrent(first) { shown = "first" }
        assertEquals("first", shown)
        val second = turns.next { shown = null }
        assertFalse(turns.isCurrent(first))
        assertTrue(turns.isCurrent(second))
        turns.ifCurrent(first) { shown = "first" }
        assertNull(shown)
        turns.ifCurrent(second) { shown = "second" }
        assertEquals("second", shown)
    }

    @Test
    fun `nothing slips in between the looking and the showing`() {
        val turns = Turns()
        val shown = mutableListOf<String>()
        val first = turns.next {}
        val looked = CountDownLatch(1)
        var other: Thread? = null
        turns.ifCurrent(first) {
            other = thread {
                looked.countDown()
                turns.next { shown.clear() }
            }
            looked.await()
            Thread.sleep(50) // without a lock, the next turn would clear now
            shown += "first"
        }
        other!!.join()
        assertEquals(listOf<String>(), shown)
    }

    @Test
    fun `a wish to freeze is for one frame`() {
        val freezing = FreezeRequest()
        assertFalse(freezing.take(0))
        freezing.ask(1000)
        assertTrue(freezing.take(1033))
        assertFalse(freezing.take(1066))
    }

    @Test
    fun `a wish to freeze that no frame met is forgotten`() {
        val freezing = FreezeRequest(lapsesAfterMs = 2000)
        freezing.ask(1000)
        freezing.clear()
        assertFalse(freezing.take(1033))
        freezing.ask(1000)
        assertFalse(freezing.take(3001))
        assertFalse(freezing.take(1500))
        freezing.ask(4000)
        assertTrue(freezing.take(6000))
    }
}
