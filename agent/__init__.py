"""The daemon: sync, store, reminders, people, engine and command line."""
