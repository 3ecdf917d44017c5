"""Integers of hundreds of digits: products, powers, division, text."""
N, COUNT = 1_800, 12


def run(n):
    a, b, total = 3 ** 200, 7 ** 150, 0
    for i in range(n):
        a = a * b % (1 << 1024) + i
        total += a // b % 1009 + (a >> 300) % 17 + len(str(a))
        total ^= pow(a, 65537, b) % 255
    return total, int("9" * 300) % 1000003
