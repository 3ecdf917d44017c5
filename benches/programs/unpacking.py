"""Tuples: packing, unpacking, swaps, comparison, enumerate and zip, stars."""
N, COUNT = 360_000, 1_500


def divide(a, b):
    return a // b, a % b


def run(n):
    total, a, b = 0, 0, 1
    pairs = [(i, str(i)) for i in range(20)]
    for i in range(n):
        a, b = b, (a + b) % 1000007
        q, r = divide(i, 7)
        total += q - r
        (x, y), z = (a, b), i
        total += x - y + z + ((x, y) < (y, x))
        if i % 20 == 0:
            for k, (number, text) in enumerate(pairs):
                total += k + number + len(text)
            for left, right in zip(pairs, pairs[1:]):
                total += left[0] * right[0]
            first, *rest = pairs
            total += len(rest)
    return total
