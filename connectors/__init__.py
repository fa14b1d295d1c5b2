"""The outside world: mailboxes in, calendars out.

Owns the words `Envelope`, `Message` and `CalendarEvent`. Imports nothing of the house but `config`.
"""
