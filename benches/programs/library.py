"""Modules of the library at work: json, re, collections, itertools, functools, string formatting of records."""
import collections
import functools
import itertools
import json
import re

N, COUNT = 750, 3


@functools.lru_cache(maxsize=None)
def ways(total, coins):
    if total == 0:
        return 1
    if total < 0 or not coins:
        return 0
    return ways(total - coins[0], coins) + ways(total, coins[1:])


def run(n):
    record = {"id": 7, "tags": ["a", "b", None], "nested": {"pi": 3.14159, "ok": True, "text": "snow\u2603man"}}
    pattern = re.compile(r"(\w+)@(\w+)\.(com|org)")
    text = "ann@site.com, bob@home.org; not an address, cy@x.net " * 8
    total = 0
    for i in range(n):
        total += len(json.dumps(record)) + json.loads(json.dumps(record))["id"]
        total += len(pattern.findall(text)) + len(re.sub(r"\s+", " ", text))
        total += collections.Counter(text)["a"] + sum(itertools.islice(itertools.accumulate(itertools.count()), 50))
        queue = collections.deque(range(20), maxlen=15)
        queue.rotate(3)
        total += queue[0] + sum(len(list(g)) for _, g in itertools.groupby("aabbbcc"))
    return total, ways(60, (25, 10, 5, 1))
