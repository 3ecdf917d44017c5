"""Lists: append, index, slices, assignment, insertion, removal, nesting, matrix product."""
N, COUNT = 1_200, 6


def product(a, b):
    columns = list(zip(*b))
    return [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]


def run(n):
    total = 0
    matrix = [[i + j for j in range(12)] for i in range(12)]
    for i in range(n):
        items = []
        for j in range(200):
            items.append(j * i)
        items[10:20] = items[20:10:-1]
        items.insert(5, i)
        del items[7]
        items.pop()
        items += items[:50]
        items.reverse()
        for j in range(len(items)):
            items[j] = items[j] - j
        total += items[3] + items[-1] + len(items) + items.count(0) + (i in items)
        if i % 10 == 0:
            total += product(matrix, matrix)[3][4]
    return total
