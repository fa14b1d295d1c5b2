"""How well mail is matched: letters with known truth, each trap a slice of its own, and the figures of each slice."""
