"""Lists of mailboxes that somebody else keeps: a file, a group of Entra, a part of a directory.

`read` asks for a list, `judge` decides whether it is believed, `look` keeps the outcome in the database, and `watch`
does so again and again while the daemon runs. What is believed becomes mailboxes by the settings of its connector
(`config.listed`); the schedule is brought in line with them as with any other change of the configuration
(`agent.store.roll.settle`). A list that is not believed changes nothing, and says so until it is.
"""
