"""Functions: positional, defaults, keywords, *args, **kwargs, recursion."""
N, COUNT = 360_000, 1_500


def area(width, height=2, *, scale=1):
    return width * height * scale


def join(*parts, **options):
    return len(parts) + len(options)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def same(x):
    return x


def run(n):
    total = 0
    for i in range(n):
        total += area(i) + area(i, 3) + area(i, scale=2) + area(height=i, width=2)
        total += join(i, i, i) + join(a=i, b=i) + same(i) + abs(-i)
    return total + ackermann(2, n // 1000 + 5)
