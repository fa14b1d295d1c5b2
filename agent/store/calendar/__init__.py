"""Reminders and the calendar items that stand for them, with the rows that the rules look at."""
