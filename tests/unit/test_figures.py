"""The figures in docs/decisions are those of the code, were measured, or are facts of others; the index is whole."""

import inspect
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

DOCS = Path(__file__).parents[2] / "docs"
DECISIONS = DOCS / "decisions"
NUMBERED = sorted(DECISIONS.glob("[0-9]*.md"))
INDEX = DECISIONS / "README.md"

WORDS = {
    1: "one",
    2: "two",
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    8: "eight",
    10: "ten",
    12: "twelve",
    30: "thirty",
    100: "a hundred",
}


def plain(value):
    """As Python prints it, a whole number without its fraction."""
    return str(int(value) if value == int(value) else value)


def thousands(value):
    return f"{value:,}"


def word(value):
    return WORDS.get(value, plain(value))


def size(value):
    """In the largest unit that divides it."""
    for factor, unit in ((2**20, "MiB"), (2**10, "KiB")):
        if value % factor == 0:
            return f"{value // factor} {unit}"
    return f"{value} bytes"


def time(value):
    """``a minute``, ``ten minutes``; seconds as ``plain``."""
    for factor, article, unit in ((3600, "an", "hour"), (60, "a", "minute"), (1, "a", "second")):
        if value % factor == 0:
            return f"{article} {unit}" if value == factor else f"{word(value / factor)} {unit}s"
    return f"{plain(value)} s"


def longest_watch(watch, spread):
    return plain(watch * spread)


def mean_watch(watch, spread):
    return plain(watch * (1 + spread) / 2)


def longest_silence(watch, spread, grace):
    return plain(watch * spread + grace)


def hours(value):
    return plain(value / 3600)


def percent(value):
    return plain(100 * value)


def doubled(value):
    return plain(2 * value)


def less_one(value):
    return {1: "once", 2: "twice"}.get(value - 1, str(value - 1))


def count(value):
    return word(len(value))


def some(value):
    """A round number."""
    return word(round(len(value), -1))


def versions(value):
    return " to before ".join(f"{major}.{minor}" for major, minor in value)


def dotted(value):
    return ".".join(map(str, value))


class Figure(NamedTuple):
    """``phrase`` is what the page says, with ``{}`` for the figure; ``constants`` are dotted names, by spaces."""

    page: str
    phrase: str
    constants: str
    spelled: Callable[..., str]


# A name stands in genreconcile, or in tools or unit. Of a parameter, named as an attribute of its class, the default
# counts.
FIGURES = (
    Figure("decisions/0005", "For {} after such a change", "kinds.definitions._LAG", time),
    Figure("decisions/0005", "is asked every {} s", "kinds.follow._PACE", plain),
    Figure("decisions/0008", "When there are {} of them", "plan.insync._FIRST_LOOK", thousands),
    Figure("decisions/0009", "The first has {} objects", "cache.pager.PAGE", plain),
    Figure("decisions/0009", "no more than {}, or", "cache.pager._SMALL", size),
    Figure("decisions/0009", "a {}nd of what has been read", "cache.pager._PART", plain),
    Figure("decisions/0009", "and {} at most", "cache.pager._LARGEST", size),
    Figure("decisions/0013", "every part of {} characters or more", "mask.text._PART", word),
    Figure("decisions/0014", "more than {} values", "gojson._MOST_VALUES", plain),
    Figure("decisions/0014", "a buffer of {} that cannot grow", "gojson._SMALL", size),
    Figure("decisions/0016", "at most once in {}", "cluster.credentials._NOT_AGAIN_WITHIN", time),
    Figure("decisions/0017", "for more than {} is listed anew", "cache.history._BRIEF", time),
    Figure("decisions/0017", "more than {} s to open", "cache.reflector._SLOW", plain),
    Figure("decisions/0018", "{} at a time", "access.asking._AT_ONCE", word),
    Figure("decisions/0018", "more than {} reviews would be sent", "access.review._FEW", word),
    Figure("decisions/0020", "{} modules in all", "tools.compile_modules.MODULES", count),
    Figure("decisions/0022", "and {} protected methods", "cluster.exchange._PROTECTED", count),
    Figure("decisions/0022", "the version ({})", "cluster.exchange._VERSIONS", versions),
    Figure("decisions/0022", "| the longest head | {} |", "cluster.exchange._LONGEST_HEAD", size),
    Figure("decisions/0024", "until there were {} of them", "memory.learned._ENOUGH_OF_ANY", word),
    Figure("decisions/0024", "after {} patches", "memory.learned._ENOUGH", word),
    Figure("decisions/0024", "({} s where something defines it", "kinds.follow._PATIENCE", plain),
    Figure("decisions/0024", "{} s where nothing is known", "kinds.follow._IN_DOUBT", plain),
    Figure("decisions/0024", "asked for again after {} s", "kinds.follow._FIRST_PAUSE", plain),
    Figure("decisions/0024", ", {} s and so on", "kinds.follow._FIRST_PAUSE", doubled),
    Figure("decisions/0024", "and so on up to {}", "kinds.follow._LONGEST_PAUSE", time),
    Figure("decisions/0024", "once more after its lag ({} s)", "kinds.definitions._LAG", plain),
    Figure("decisions/0024", "once more after its lag ({} s); one of what admission", "plan.admission._LAG", plain),
    Figure("decisions/0026", "Where more than {} members", "compare.coarse._MANY", word),
    Figure("decisions/0026", "more than {} operations", "compare.patch.MOST_OPERATIONS", thousands),
    Figure("decisions/0026", "operations or {} becomes", "compare.patch.MOST_BYTES", size),
    Figure("decisions/0028", "*Watches are short*: {} to", "cache.pace.Pace.watch", plain),
    Figure("decisions/0028", "to {} s, and the server", "cache.pace.Pace.watch cache.pace._SPREAD", longest_watch),
    Figure("decisions/0028", "silent for {} s longer", "cache.pace.Pace.grace", plain),
    Figure(
        "decisions/0028",
        "noticed within {} s",
        "cache.pace.Pace.watch cache.pace._SPREAD cache.pace.Pace.grace",
        longest_silence,
    ),
    Figure("decisions/0028", "anew*, every {} to", "cache.pace.Pace.relist", plain),
    Figure("decisions/0028", "to {} s, more rarely", "cache.pace.Pace.longest_backoff", plain),
    Figure("decisions/0028", "no more than {} requests a second", "unit.cache.test_freshness.MOST", plain),
    Figure("decisions/0028", "From {} s on every plan", "cache.pace.Pace.tell", plain),
    Figure("decisions/0028", "its head has come, within {} s", "cluster._HEAD_TIMEOUT", plain),
    Figure(
        "decisions/0028",
        "waits for the event for {}.",
        "cache.catchup.PATIENCE",
        lambda value: f"{word(value)} second",
    ),
    Figure("decisions/0028", "a kind and {} s in the mean", "cache.pace.Pace.watch cache.pace._SPREAD", mean_watch),
    Figure("decisions/0030", "A table of some {} wrong values", "unit.test_calls.JUNK", some),
    Figure("decisions/0034", "for low priority {} s more", "controllers.entry._RISE", plain),
    Figure("decisions/0034", "due for less than {} s ranks", "controllers.entry._RISE", plain),
    Figure("decisions/0037", "for values of more than {} together", "compare.patch._LONGEST_TESTS", size),
    Figure("access", "Up to {} are asked for one by one", "access.review._FEW", word),
    Figure("access", "For more than {} namespaces", "access.reach._FEW", word),
    Figure("access", "tried again after {}", "cluster.credentials._NOT_AGAIN_WITHIN", time),
    Figure("cases", "and is tried again after {}", "cluster.credentials._NOT_AGAIN_WITHIN", time),
    Figure("errors", "looks again, up to {},", "execution._ATTEMPTS", less_one),
    Figure("errors", "was repaired {} times in", "memory.fights.Fights.rounds", word),
    Figure("errors", "five times in {}", "memory.fights.Fights.window", time),
    Figure("errors", "the pause doubles up to {}", "memory.fights._LONGEST_PAUSE", time),
    Figure("errors", "and left alone for {}", "memory.learned.Learned.ttl", time),
    Figure("errors", "is not sent again for {}", "apply.oversize._LIFETIME", time),
    Figure("errors", "up to {} attempts", "apply.writer._THROTTLED_ATTEMPTS", word),
    Figure("operators", "A run has {} s (`deadline`)", "controllers.settings.ControllerSettings.deadline", plain),
    Figure("operators", "`min_interval` ({} s) at most", "controllers.settings.ControllerSettings.min_interval", plain),
    Figure("operators", "every {} hours, with a jitter", "controllers.settings.ControllerSettings.resync", hours),
    Figure("operators", "with a jitter of {} %", "controllers.worker._JITTER", percent),
    Figure("operators", "repeated after {} s, then later", "controllers.backoff._SHORTEST", plain),
    Figure("operators", "and later, up to {}, with jitter", "controllers.backoff._LONGEST", time),
    Figure("operators", "wakes more than {} parents", "controllers.dependencies.MOST_AT_ONCE", plain),
    Figure("operators", "up to {} of them in a namespace", "controllers.reading.MOST_SINGLE", plain),
    Figure("operators", "as long as {} s", "controllers.entry._RISE", plain),
    Figure("operators", "`NotReadable` | in {} s |", "controllers.run._SOON", plain),
    Figure("operators", "those that go on have {} s", "controllers.program._GRACE", plain),
    Figure("testing", "{}, 1.36.3 and 1.35.4 are tested", "testing.versions.DEFAULT", str),
    Figure("testing", "has no Go {} or newer", "testing.versions.GO_MINIMUM", dotted),
)

# What was measured once; the paragraph, or the one before a table, says so.
MEASURED = {
    "0008": ("some twenty times the cost", "a few hundred bytes"),
    "0009": (
        "7 MB with 10,000 Deployments; it takes 1.4 times as long",
        "14 MB for 10,000 Deployments, measured in place of 13 to 20",
        "about 10 ms with 10,000 objects and 30 ms with 100,000",
        "10,000 and 100,000 Deployments",
        "| 10,000 | 100,000 | ratio |",
        "| of 50 | 341 | 787 | 2.3 | 1.08 |",
        "| of 500 | 154 | 202 | 1.3 | 1.19 |",
        "| of up to 4 MiB, all of them | 194 | 203 | 1.05 | 1.25 |",
        "| of up to 8 MiB, all of them | 197 | 226 | 1.15 | 1.52 |",
        "| streamed | 278 | 242 | 0.9 |",
        "70 to 80 µs per object",
        "has a ratio of 1.2 to 2",
        "a sync of 100,000 objects costs 1.12 times as much for each as one of 10,000",
        "costs 1.53 times as much (`scaling`), and a relist of 10,000 peaks at 1.15",
        "10 µs, copying",
        "come after 8 ms and the last ones 27 ms later (500 Deployments, 2.4 MB)",
        "for a sync of 10,000, medians of six in turn: 0.79 in place of 1.09",
    ),
    "0014": ("0.3 µs, a count 10 µs",),
    "0017": ("measured on 1.37",),
    "0018": ("1,673 objects in forty namespaces was measured to take 1,657 reviews",),
    "0019": ("123 rounds of four threads, 92",),
    "0020": ("105 µs, of which 58", "2,400 to 70 µs"),
    "0022": ("2,000 creations were measured at 1.5 ms of CPU", "took 0.3 ms", "0.7 to 0.9 ms"),
    "0023": ("20 µs for a Deployment",),
    "0026": ("20 s for an Ingress of 800 rules, 235 s for 10,000 texts, gigabytes for lists of 20,000",),
    "0029": ("222 kubeconfigs",),
}

# Facts of Kubernetes and of other programs, what was before, examples, and words that are no figures.
FACTS = {
    "0002": ("# 2. Rules",),
    "0008": ("# 10,000 objects",),
    "0013": ("cut to 48 bits",),
    "0016": ("once a minute by the wall clock",),
    "0017": ("a second sign",),
    "0018": ("some hundred requests",),
    "0019": ("in four threads", "Two threads compare"),
    "0021": ("a second opinion",),
    "0022": ("a second TLS configuration", "a hundred lines of 64 KiB"),
    "0023": ("# 23. Values", "0.000001", "2.0**62"),
    "0025": ("ten thousand objects", "within one second"),
    "0028": ("for 45 s no watch has worked", "one in six minutes"),
    "0034": ("in ten seconds is due ten seconds after",),
    "0037": ("many times a second",),
    "0042": ("a second way",),
}


def text_of(page):
    """A page on one line; ``page`` may leave out the title."""
    (found,) = DOCS.glob(f"{page}*.md")
    return " ".join(found.read_text("utf-8").split())


def value_of(constant: str) -> Any:
    """What stands under a dotted name."""
    root = "" if constant.startswith(("tools.", "unit.")) else "genreconcile."
    owner, _, name = f"{root}{constant}".rpartition(".")
    found = pkgutil.resolve_name(owner)
    given = inspect.signature(found).parameters if inspect.isclass(found) else {}
    return given[name].default if name in given else getattr(found, name)


def phrase_of(figure, value=value_of):
    return figure.phrase.format(figure.spelled(*map(value, figure.constants.split())))


def named(figure):
    return f"{figure.page} {figure.phrase} {figure.constants}"


def places(phrase, text):
    """Where the phrase stands as a whole: 12 s is not 2 s, and 1.26 not 1.2."""
    begin, end = r"(?<![\w.,])" if phrase[0].isalnum() else "", r"(?!\w|[.,]\d)" if phrase[-1].isalnum() else ""
    return [found.span() for found in re.finditer(begin + re.escape(phrase) + end, text)]


@pytest.mark.parametrize("figure", FIGURES, ids=named)
def test_a_figure_is_the_constant(figure):
    assert places(phrase_of(figure), text_of(figure.page)), f"not on the page: {phrase_of(figure)!r}"


@pytest.mark.parametrize("figure", FIGURES, ids=named)
def test_a_constant_that_changes_is_found(figure):
    for changed in figure.constants.split():
        phrase = phrase_of(figure, lambda name, changed=changed: value_of(name) * (2 if name == changed else 1))
        assert not places(phrase, text_of(figure.page)), changed


NUMBER = (
    r"\d(?:[\d.,^]*\d)?|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|forty|fifty|hundred|thousand"
)
TIME = r"seconds?|minutes?|hours?"
UNIT = (
    rf"{TIME}|s|ms|µs|bits|bytes?|[KMG]i?B|%|times|attempts|requests|reviews|objects|members|operations|values|verdicts"
    "|characters|patches|modules|threads|namespaces|kubeconfigs|rules"
)
# A number with its unit, also in "40 to 60 s"; a moment; a number that is large or has a fraction.
QUANTITY = re.compile(
    rf"(?<![\w.,:/-])(?:(?:{NUMBER})(?: (?:to|and|or) (?:{NUMBER}))? ?(?:{UNIT})(?![\w-])"
    rf"|(?:an?|one) (?:{TIME})\b|\d+(?:[.,^]\d+)+(?![\w:/-]))",
    re.IGNORECASE,
)


def unheld(text, phrases):
    """The quantities that are not covered by the phrases."""
    held = {place for phrase in phrases for span in places(phrase, text) for place in range(*span)}
    found = [quantity for quantity in QUANTITY.finditer(text) if not held.issuperset(range(*quantity.span()))]
    return [text[max(0, quantity.start() - 30) : quantity.end() + 30] for quantity in found]


def phrases_of(number):
    """What the lists above say of one decision."""
    held = [phrase_of(figure) for figure in FIGURES if figure.page == f"decisions/{number}"]
    return [*held, *MEASURED.get(number, ()), *FACTS.get(number, ())]


def paragraphs(page):
    """Each on one line; a table belongs to the paragraph before it."""
    (found,) = DOCS.glob(f"{page}*.md")
    return [" ".join(part.split()) for part in found.read_text("utf-8").replace("\n\n|", "\n|").split("\n\n")]


def numbers():
    return [path.name[:4] for path in NUMBERED]


@pytest.mark.parametrize("number", numbers())
def test_every_quantity_is_held_measured_or_a_fact(number):
    assert unheld(text_of(f"decisions/{number}"), phrases_of(number)) == [], "add it to one of the lists of this test"


@pytest.mark.parametrize(
    "new", ["7 s", "after three minutes", "2^18 are kept", "9 to 12 MiB", "seven attempts", "40 %"]
)
def test_a_quantity_that_nothing_holds_is_found(new):
    assert len(unheld(f"… decides. {new}", phrases_of("0028"))) == 1


@pytest.mark.parametrize("number", sorted(MEASURED))
def test_what_was_measured_says_so(number):
    for phrase in MEASURED[number]:
        around = [part for part in paragraphs(f"decisions/{number}") if phrase in part]
        assert around, phrase
        assert all("measured" in part.lower() for part in around), phrase


@pytest.mark.parametrize("number", sorted(FACTS))
def test_facts_stand_on_their_page(number):
    for phrase in FACTS[number]:
        assert phrase in text_of(f"decisions/{number}"), phrase


LINE = re.compile(r"^- (?P<number>\d+)\. \[(?P<title>[^]]+)\]\((?P<file>[^)]+)\): (?P<decided>\S.*\.)$")


def test_the_index_has_a_line_for_each_decision():
    listed = [found.groupdict() for line in INDEX.read_text("utf-8").splitlines() if (found := LINE.match(line))]
    assert [(int(line["number"]), line["title"], line["file"]) for line in listed] == [
        (int(path.name[:4]), path.read_text("utf-8").splitlines()[0].partition(". ")[2], path.name) for path in NUMBERED
    ]
    assert len({line["decided"] for line in listed}) == len(NUMBERED)
