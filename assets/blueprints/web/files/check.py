"""Asks a page several times and prints which nodes have answered: check.py URL TIMES"""

import sys
import urllib.request

nodes = set()
for _ in range(int(sys.argv[2])):
    with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
        nodes.add(answer.headers["X-Node"])
print("\n".join(sorted(nodes)))
