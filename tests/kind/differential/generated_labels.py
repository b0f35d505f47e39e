"""Texts of labels, and selectors."""

from kind.differential.generated import EDGES

LABELS = EDGES["labels"]
KEYS, VALUES = LABELS["keys"], LABELS["values"]


def texts(rng, count):
    """Keys and values of labels, and texts that are almost one."""
    found = list(LABELS["texts"])
    while len(found) < count:
        found.append("".join(rng.choices(LABELS["parts"], k=rng.randrange(1, 5))))
    return list(dict.fromkeys(found))


def selectors(rng, count):
    """Selectors, and texts that are almost one."""
    tokens = [*KEYS, *VALUES, *LABELS["symbols"]]
    found = list(LABELS["selectors"])
    while len(found) < count:
        if rng.random() < 0.5:
            found.append("".join(rng.choices(tokens, k=rng.randrange(1, 8))))
        else:
            parts = [_requirement(rng) for _ in range(rng.randrange(1, 4))]
            found.append(rng.choice([",", ", ", " , "]).join(parts))
    return list(dict.fromkeys(found))


def _requirement(rng):
    key, value = rng.choice(KEYS), rng.choice(VALUES)
    values = ",".join(rng.choices(VALUES, k=rng.randrange(1, 4)))
    forms = [key, f"!{key}", f"{key}={value}", f"{key}!={value}", f"{key} in ({values})", f"{key} notin ({values})"]
    return rng.choice(forms)
