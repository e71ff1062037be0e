"""The pre-receive hook: hands the push to the platform and shows what it says, line by line.

Runs by itself, with the standard library only, as a child of `git receive-pack`. The platform's
output ends with a NUL and the exit status; without them, the platform went away.
"""

import json
import os
import socket
import sys


def main() -> int:
    """Exit status 0: git may move the refs."""
    updates = [line.split() for line in sys.stdin]
    wanted = {name: value for name, value in os.environ.items() if name.startswith("GIT_")}
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(os.environ["KEDGE_PUSH_SOCKET"])
        connection.sendall(json.dumps({"updates": updates, "environment": wanted}).encode() + b"\n")
        return relay(connection)
    except (KeyError, OSError) as error:
        print(f"\n !     Kedge does not answer ({error}). Nothing was deployed; push again.")
        return 1


def relay(connection: socket.socket) -> int:
    """Show what comes until the NUL; the status behind it."""
    while payload := connection.recv(65536):
        shown, end, status = payload.partition(b"\0")
        sys.stdout.buffer.write(shown)
        sys.stdout.buffer.flush()
        if end:
            return int(status or connection.recv(8))
    print("\n !     Kedge was stopped meanwhile. If this goes live all the same, your next fetch")
    print(" !     shows it; else push again.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
