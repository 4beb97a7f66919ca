"""Why: a run must be judged and resumed from its journal alone. So nothing here reads a clock or waits.

The rules:

1. `evolve(state, event)` reads the event only; `decide(state, now)` alone knows the time.
2. Every path from APPLYING, which is entered before the first write, to DONE passes REVERTING.
3. Failures are events. A write is never cancelled; its last word is welcome in REVERTING.
4. Starting again on the same journal recovers: `Resumed` is an event, recovery has no code of its own.
5. No event names a concrete fault or probe: kinds travel as JSON.
6. What is unknown is None, never zero; what is not shown is OPEN, never held.
"""
