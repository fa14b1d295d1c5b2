"""Folders of a mailbox, whatever its protocol: their names, what they are for, and which of them are read.

Called by the IMAP and the archive connector. Pure: nothing here touches a server or a disk.
"""
