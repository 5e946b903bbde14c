"""Asks Claviger whether a request may pass. It needs the standard library alone."""

import json
import os
import urllib.request

DOORS = "@DOORS_URL@"
API = "@API@"
# A key that holds claviger-verify, where the doors need a token.
DOOR_TOKEN = os.environ.get("CLAVIGER_DOOR_TOKEN", "")


def may_pass(key: str, method: str, path: str, client_ip: str) -> bool:
    """True only if Claviger says so: without an answer nobody passes."""
    question = {"credential": key, "method": method, "path": path, "client_ip": client_ip, "api": API}
    headers = {"Content-Type": "application/json", "X-Claviger-Door": DOOR_TOKEN}
    request = urllib.request.Request(DOORS + "/v1/verify", json.dumps(question).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)["valid"] is True
    except (OSError, ValueError, KeyError):
        return False


if __name__ == "__main__":
    print(may_pass(os.environ["KEY"], "@METHOD@", "@PATH@", "@CLIENT_IP@"))
