"""How often the process looks for circles of objects that nobody holds any more.

Called by `crm-agent` as it starts. Left alone, Python looks after every 700 new objects, and through all that there are
each time they grew by a quarter. A pass makes a hundred thousand values of rows and none of them stands in a circle: a
third of the processor time of the reminder rules over a large history went into looking.
"""

import gc

EVERY = 10_000
"""New objects, a few megabytes: so much more the process may hold."""


def look_seldom() -> None:
    """From now on, for the whole process."""
    gc.set_threshold(EVERY)
