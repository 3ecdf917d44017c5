"""Generators: loops over them, chains, yield from, send, generator expressions."""
N, COUNT = 180_000, 800


def numbers(n):
    i = 0
    while i < n:
        yield i
        i += 1


def even(source):
    for x in source:
        if x % 2 == 0:
            yield x


def tree(depth):
    if depth:
        yield from tree(depth - 1)
        yield depth
        yield from tree(depth - 1)


def average():
    total = count = 0
    while True:
        x = yield total // count if count else 0
        total += x
        count += 1


def run(n):
    result = sum(even(numbers(n))) + sum(x * x for x in range(n))
    for _ in range(n // 400):
        result += sum(tree(6))
    mean = average()
    next(mean)
    for i in range(n):
        result += mean.send(i)
    return result, any(x > n for x in numbers(n))
