"""Text being read: split, strip, find, replace, startswith, characters, translate, case."""
N, COUNT = 1_200, 5


def run(n):
    lines = ["  key%d = value %d # note %d " % (i, i * i, i) for i in range(60)]
    text = "\n".join(lines)
    table = str.maketrans("aeiou", "AEIOU")
    total = 0
    for i in range(n):
        for line in text.splitlines():
            left, _, right = line.strip().partition("=")
            name, words = left.rstrip(), right.split("#")[0].split()
            total += len(name) + int(words[1]) + line.find("note") + name.startswith("key")
        total += text.count("value") + len(text.replace("key", "k")) + text.rfind("1")
        total += len(text.translate(table).upper()) + sum(1 for c in text[:300] if c.isdigit() or c == "=")
    return total
