"""`python -m benchmarks.bare PORT CA USER PASSWORD`: fetches our header fields with IMAPClient and drops them.

Prints the seconds and the processor seconds it took from connecting on.
What a client in Python needs that does nothing.
"""

import ssl
import sys
import time

from imapclient import IMAPClient

from connectors import mime

AT_ONCE = 500


def main() -> None:
    """One loop over INBOX."""
    port, ca_file, username, password = sys.argv[1:]
    fields = f"BODY.PEEK[HEADER.FIELDS ({' '.join(mime.HEADER_FIELDS)})]".upper()
    started, used = time.perf_counter(), time.process_time()
    client = IMAPClient("127.0.0.1", int(port), ssl_context=ssl.create_default_context(cafile=ca_file))
    client._imap.debug = 0  # its default formats every literal for a trace
    client.login(username, password)
    client.select_folder("INBOX", readonly=True)
    ids = client.search("ALL")
    seen = 0
    for at in range(0, len(ids), AT_ONCE):
        seen += len(client.fetch(ids[at : at + AT_ONCE], ["INTERNALDATE", "RFC822.SIZE", "FLAGS", fields]))
    assert seen == len(ids)
    print(time.perf_counter() - started, time.process_time() - used)
    client.logout()


if __name__ == "__main__":
    main()
