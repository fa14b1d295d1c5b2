"""What `crm-agent doctor` looks at: mailboxes, calendars, the database. Each look is a small function in a list.

`finding` holds the words, `examine` runs a list, `rounds` puts the lists together; a look decides by pure functions
wherever there is something to decide. Nothing is changed anywhere but by the calendar probe, which is asked for.
"""
