"""Floating point: a small integration, complex-plane iteration, mixed arithmetic."""
N, COUNT = 450_000, 2_000


def mandel(cr, ci, limit):
    zr = zi = 0.0
    for k in range(limit):
        zr, zi = zr * zr - zi * zi + cr, 2 * zr * zi + ci
        if zr * zr + zi * zi > 4.0:
            return k
    return limit


def run(n):
    total, x, step = 0.0, 0.0, 1.0 / n
    for i in range(n):
        x = (i + 0.5) * step
        total += 4.0 / (1.0 + x * x)
    inside = sum(mandel(i / 40 - 2, j / 20 - 1, 60) for i in range(n // 2500) for j in range(40))
    return round(total * step, 9), inside, min(3.5, 2), abs(-2.5)
