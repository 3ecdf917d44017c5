"""Backtracking: eight queens and permutations."""
N, COUNT = 8, 5


def queens(n, row, columns, left, right):
    if row == n:
        return 1
    found = 0
    for c in range(n):
        if c not in columns and row + c not in left and row - c not in right:
            found += queens(n, row + 1, columns | {c}, left | {row + c}, right | {row - c})
    return found


def permute(items, k=0):
    if k == len(items):
        yield tuple(items)
    for i in range(k, len(items)):
        items[k], items[i] = items[i], items[k]
        yield from permute(items, k + 1)
        items[k], items[i] = items[i], items[k]


def run(n):
    return queens(n, 0, set(), set(), set()), sum(p[0] for p in permute(list(range(n))))
