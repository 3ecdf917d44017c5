"""Dicts: counting, grouping, views, deletion, merging, keys of text, ints and tuples."""
N, COUNT = 900, 4


def run(n):
    words = ["k%d" % (i * 31 % 97) for i in range(300)]
    total = 0
    for i in range(n):
        counts, groups = {}, {}
        for w in words:
            counts[w] = counts.get(w, 0) + 1
        for w, k in counts.items():
            groups.setdefault(k, []).append(w)
        cells = {(x, y): x * y for x in range(15) for y in range(15)}
        for x in range(15):
            total += cells[x, 3] + cells.get((x, 99), 1)
        other = {**counts, "more": i} | {j: j for j in range(50)}
        for j in range(0, 50, 2):
            del other[j]
        total += len(groups) + sum(counts.values()) + len(other) + ("k3" in counts)
        total += sum(1 for key in other if isinstance(key, int))
    return total
