"""The post's function in a loop."""

import sys


def test():
    ins = object()
    return id(ins)


def run(n):
    seen = set()
    for _ in range(n):
        seen.add(test())
    return len(seen)


print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
