"""Comprehensions, map, filter, sorted with keys, min and max, any and all."""
N, COUNT = 1_200, 5


def run(n):
    total = 0
    for i in range(n):
        squares = [x * x for x in range(200)]
        odd = [x for x in squares if x % 2]
        table = {x: str(x) for x in odd[:40]}
        total += len({x % 13 for x in squares}) + sum(map(int, table.values()))
        total += sum(filter(None, [x & 1 for x in squares])) + max(odd, key=lambda x: -x)
        rows = sorted(((x * 7919 % 101, x) for x in range(150)), reverse=True)
        total += rows[3][1] + sorted(squares, key=lambda x: x % 17)[0]
        total += any(x > 1000 for x in squares) + all(x >= 0 for x in squares) + min(squares)
    return total
