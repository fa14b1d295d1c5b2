"""Reminders carried out: what `agent.reminders` decides, read from the store and written into store and calendar."""
