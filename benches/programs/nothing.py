"""Start-up and the end: a program that does nothing."""
N, COUNT = 1, 1


def run(n):
    return n
