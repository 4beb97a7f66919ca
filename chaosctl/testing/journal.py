"""Why: a test wants to read what a run wrote, and to let the writer die while it writes."""

from dataclasses import dataclass, field

from chaosctl.model import Model
from chaosctl.testing.fate import Fate


@dataclass
class MemoryJournal:
    """Lines of JSON. Dies before or after an append, as its fate has it."""

    fate: Fate = field(default_factory=Fate)
    lines: list[str] = field(default_factory=list)

    def append(self, event: Model) -> None:
        self.fate.step()
        self.lines.append(event.model_dump_json())
        self.fate.step()
