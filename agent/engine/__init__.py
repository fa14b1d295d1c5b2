"""Whose turn it is, who works on it, and what happens after a failure. Knows neither mail nor the database's rows."""
