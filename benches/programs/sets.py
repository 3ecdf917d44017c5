"""Sets: membership, algebra, building, primes by sieve."""
N, COUNT = 750, 4


def run(n):
    total = 0
    for i in range(n):
        a, b = set(range(i, i + 200)), {x * 3 for x in range(100)}
        total += len(a & b) + len(a | b) + len(a - b) + len(a ^ b) + (a <= b)
        seen = set()
        for x in range(200):
            if x * x % 97 not in seen:
                seen.add(x * x % 97)
        primes = set(range(2, 200))
        for p in range(2, 15):
            primes -= set(range(p * p, 200, p))
        total += len(seen) + len(primes) + sum(frozenset("abracadabra") == {"a", "b", "r", "c", "d"} for _ in range(3))
    return total
