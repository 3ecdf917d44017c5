"""Instances with two attributes, made and dropped."""

import sys


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


def run(n):
    total = 0
    for i in range(n):
        p = Point(i, i + 1)
        total += p.x + p.y
    return total


print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
