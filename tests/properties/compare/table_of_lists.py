"""Pairs by position, and the steps of an alignment, in the plain way: a table of lengths, and indexes looked up.

Quadratic, and easy to check by eye: what the engine does in n log n is held against it.
"""

from bisect import bisect_left


def common(expected, live, same):
    """The longest common subsequence; of several, the one that skips expected first."""
    lengths = [[0] * (live + 1) for _ in range(expected + 1)]
    for row in reversed(range(expected)):
        for column in reversed(range(live)):
            if same(row, column):
                lengths[row][column] = lengths[row + 1][column + 1] + 1
            else:
                lengths[row][column] = max(lengths[row + 1][column], lengths[row][column + 1])
    pairs = []
    row = column = 0
    while row < expected and column < live:
        if same(row, column):
            pairs.append((row, column))
            row, column = row + 1, column + 1
        elif lengths[row + 1][column] >= lengths[row][column + 1]:
            row += 1
        else:
            column += 1
    return pairs


def target(alignment, working):
    """The tokens of the list as it is to be: ("live", index) or ("new", index)."""
    partner = dict(alignment.pairs)
    tokens = [("live", partner[index]) if index in partner else ("new", index) for index in range(alignment.expected)]
    if alignment.ordered:
        return with_kept(tokens, alignment)
    found, previous = list(working), None
    for token in tokens:
        if token[0] == "new":
            found.insert(found.index(previous) + 1 if previous else 0, token)
        previous = token
    return found


def with_kept(tokens, alignment):
    """Each kept member after the one that stands before it in live, and after new ones there."""
    found = list(tokens)
    for kept in sorted(alignment.kept):
        before = [index for index, (side, live) in enumerate(found) if side == "live" and live < kept]
        nearest = max(before, key=lambda index: found[index][1], default=-1)
        while nearest + 1 < len(found) and found[nearest + 1][0] == "new":
            nearest += 1
        found.insert(nearest + 1, ("live", kept))
    return found


def steps(alignment):
    """("remove", index), ("insert", index, source) and ("move", start, index)."""
    survivors = {live for _, live in alignment.pairs} | alignment.kept
    found = [("remove", index) for index in reversed(range(alignment.live)) if index not in survivors]
    working = [("live", index) for index in range(alignment.live) if index in survivors]
    wanted = target(alignment, working)
    fixed = longest_increasing([token for token in wanted if token[0] == "live"], working)
    position = 0
    for token in wanted:
        if token in fixed:
            position = working.index(token) + 1
            continue
        if token[0] == "new":
            found.append(("insert", position, token[1]))
        else:
            start = working.index(token)
            working.pop(start)
            position -= start < position
            found.append(("move", start, position))
        working.insert(position, token)
        position += 1
    return found


def longest_increasing(wanted, working):
    """The members that need not move."""
    tails, chains = [], []
    for token in wanted:
        place = working.index(token)
        at = bisect_left(tails, place)
        chain = [*(chains[at - 1] if at else []), token]
        tails[at : at + 1] = [place]
        chains[at : at + 1] = [chain]
    return set(chains[-1]) if chains else set()
