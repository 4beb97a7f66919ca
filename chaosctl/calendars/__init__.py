"""Why: when a drill may run, and when it does, is pure arithmetic of calendars; everybody asks the same one.

Here are the only modules that know cron triggers, public holidays and iCalendar. Each is imported when it is
needed, so that commands without a calendar do not pay for one.
"""
