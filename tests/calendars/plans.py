"""Why: the year needs drills of every policy, where clocks change by an hour, by half of one, and never."""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from calendars.icalendar import icalendar
from calendars.oracle import Hours, Judge

from chaosctl.calendars.windows import ALWAYS, calendar_of
from chaosctl.spec.schedule import Schedule, WindowsText

SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=number) for number in (1, 60, 3600, 86400))
CALENDAR = icalendar(
    ("Year-end freeze", "VALUE=DATE:20271220", "VALUE=DATE:20280104"),
    ("Big release", "TZID=Europe/Berlin:20270907T220000", "TZID=Europe/Berlin:20270908T110000"),
)
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
KOLKATA = "Asia/Kolkata"
HOLIDAYS = (  # of Germany, on Mondays to Thursdays; Christmas lies in the freeze
    ("2028-04-17", "2028-04-18"),
    ("2028-05-01", "2028-05-02"),
    ("2028-05-25", "2028-05-26"),
    ("2028-06-05", "2028-06-06"),
)
FREEZES = (("2027-12-20", "2028-01-04"), ("2027-09-07T22:00", "2027-09-08T11:00"))
OFFICE = Hours(BERLIN, frozenset({0, 1, 2, 3}), 9 * 60, 16 * 60, (*HOLIDAYS, *FREEZES))
OFFICE_TEXT = {"only": ["Mon-Thu 09:00-16:00"], "holidays": "DE", "blackout": "freeze.ics"}
NIGHTS = Hours(NEW_YORK, frozenset({5, 6}), 22 * 60, 28 * 60)
NIGHTS_TEXT = {"only": ["Sat,Sun 22:00-04:00"], "timezone": NEW_YORK}


class Plan(NamedTuple):
    """A drill of the year."""

    name: str
    cron: str
    zone: str
    missed: str
    lasts: timedelta = 10 * MINUTE
    jitter: str = "0s"
    target: str = ""
    windows: dict | None = None
    hours: Hours | None = None

    def schedule(self, cron):
        told = {"cron": cron, "timezone": self.zone, "jitter": self.jitter, "missed": self.missed}
        return Schedule.model_validate(told)

    def calendar(self):
        if self.windows is None:
            return ALWAYS
        windows = WindowsText.model_validate(self.windows).resolve(self.zone, FOLDER)
        return calendar_of(windows, CALENDAR if windows.blackout else "")

    @property
    def aim(self):
        """What it breaks."""
        return self.target or self.name

    def judge(self):
        schedule = self.schedule(self.cron)
        jitter, deadline = schedule.jitter, schedule.starting_deadline
        return Judge(self.name, self.missed, jitter, deadline, self.lasts, self.hours)


FOLDER = Path("/calendars")
PLANS = (
    Plan("weekly", "0 10 * * 2", BERLIN, "skip", jitter="5m", windows=OFFICE_TEXT, hours=OFFICE),
    Plan("office", "0 8-17/3 * * 1-5", BERLIN, "once", 25 * MINUTE, windows=OFFICE_TEXT, hours=OFFICE),
    Plan("night", "30 2 * * *", BERLIN, "once", target="shared"),
    Plan("rival", "35 2 * 2-4,9-11 *", BERLIN, "skip", 20 * MINUTE, target="shared"),
    Plan("new-york", "30 2 * * *", NEW_YORK, "all"),
    Plan("lord-howe", "*/15 1-2 * * 0", LORD_HOWE, "skip", 5 * MINUTE, jitter="20m"),
    Plan("kolkata", "30 9 * * mon-fri", KOLKATA, "all", jitter="1h"),
    Plan("weekends", "15 */4 * * 0,6", NEW_YORK, "once", 45 * MINUTE, windows=NIGHTS_TEXT, hours=NIGHTS),
    Plan("friday-13", "0 0 13 * 5", BERLIN, "all"),
    Plan("monthly", "@monthly", KOLKATA, "once"),
    Plan("leap", "0 12 29 2 *", "UTC", "skip"),
    Plan("crowded", "0 8-12 * * 1", NEW_YORK, "all", 90 * MINUTE),
    Plan("flood", "*/5 * 1 9 *", BERLIN, "all", 2 * MINUTE),
)
