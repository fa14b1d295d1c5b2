"""Which contact is this message about, and why. Pure: values in, decisions out; no database, no network."""
