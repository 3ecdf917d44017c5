"""Text being made: +=, join, f-strings, %, format, repeat, encode."""
N, COUNT = 75_000, 300


def run(n):
    total, out = 0, []
    for i in range(n):
        s = ""
        for c in "abcdef":
            s += c
        s += str(i)
        out.append(f"{i:5d}|{s!r:>14}|{i / 7:.3f}|{i:x}")
        out.append("%s=%d (%5.1f%%)" % (s, i, i / 3))
        out.append("{0}-{name:<8}".format(i, name=s))
        total += len((s * 3).encode()) + len(",".join(out[-3:]))
    return total, hash("".join(out)) != 0, out[-1]
