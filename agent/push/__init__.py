"""Hints from Exchange that a mailbox has news, as an extra to polling: everything works without.

Of Exchange Online: `notices` (what Graph posts), `receiver` (the web server that takes it), `keeper` (subscriptions
made and renewed), `push` (all of it beside the daemon). Of Exchange Server: `streams`.
"""
