"""Why: freezes are written as people's calendars write them; tests name only what and when."""


def icalendar(*events):
    """The text of a calendar with these events: name, DTSTART and DTEND as their lines say them."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN"]
    for number, (name, start, end) in enumerate(events, 1):
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20260101T000000Z"]
        lines += [f"DTSTART;{start}", f"DTEND;{end}", f"SUMMARY:{name}", "END:VEVENT"]
    return "\n".join([*lines, "END:VCALENDAR", ""])
