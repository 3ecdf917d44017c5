"""Whole numbers: sums, division, bits, comparison, while and for."""
N, COUNT = 1_200_000, 6_000


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def run(n):
    total, x = 0, 12345
    for i in range(n):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
        total += x >> 16 ^ i
        if total > 1 << 40:
            total -= 1 << 40
    return total, max(collatz(i) for i in range(1, n // 200))
