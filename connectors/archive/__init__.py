"""Mail that lies in files: Maildir, mbox, folders of .eml. `connectors.maildir` is the door.

Nothing is ever written: no message moves from new to cur, no flag is set, no lock is taken.
"""
