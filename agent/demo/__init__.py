"""A sample team on real servers: three salespeople, their contacts and their mail, on loopback.

`crm-agent demo` starts an IMAP and a CalDAV server, fills the mailboxes and runs the agent on them as anybody would:
through its own commands. Nothing here is known to the rest of the program.
"""
