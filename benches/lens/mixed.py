"""Strings, a dict, lists."""

import sys


def run(n):
    words = {}
    for i in range(n):
        key = "k" + str(i % 1000)
        words.setdefault(key, []).append((i, str(i)))
        if i % 5000 == 4999:
            words = {k: v[-2:] for k, v in words.items()}
    return sum(len(k) + len(v) for k, v in sorted(words.items()))


print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000))
