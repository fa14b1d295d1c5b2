"""Contacts, companies and purchases: who is known, and by which addresses and names."""
