"""The laboratory: real servers in temporary folders, started by the tests and gone with them.

Every server picks its own free ports on 127.0.0.1, needs no system service and no configuration of the machine,
and dies with the process that started it. `tests/conftest.py` hands them out as fixtures.
"""
