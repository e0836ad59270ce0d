import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vp_tui.core.errors import UsageError
from vp_tui.core.store.query.fields import BY_NAME, FIELDS, OPERATORS, moment_us, number
from vp_tui.core.store.query.parser import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse, parse_order
from vp_tui.core.store.query.tree import And, Not, Or, Term, Word

DAY_US = 86_400_000_000


def test_the_query_of_the_documentation_reads_as_it_says():
    found = parse("model:esm2 status:failed precision:fp16 speedup<1.8 tag.gpu:h200 cosine_min<0.995 since:7d")
    assert found == And(
        (
            Term("model", ":", "esm2"),
            Term("status", ":", "failed"),
            Term("precision", ":", "fp16"),
            Term("speedup", "<", "1.8"),
            Term("tag", ":", "h200", "gpu"),
            Term("cosine_min", "<", "0.995"),
            Term("since", ":", "7d"),
        )
    )


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("   ", None),
        ("a", Word("a")),
        ("a b", And((Word("a"), Word("b")))),
        ("a AND b", And((Word("a"), Word("b")))),
        ("a OR b c", Or((Word("a"), And((Word("b"), Word("c")))))),
        ("(a OR b) c", And((Or((Word("a"), Word("b"))), Word("c")))),
        ("NOT a b", And((Not(Word("a")), Word("b")))),
        ("NOT NOT a", Not(Not(Word("a")))),
        ("NOT (a b)", Not(And((Word("a"), Word("b"))))),
        ("not or and", And((Word("not"), Word("or"), Word("and")))),
        ('"OR"', Word("OR")),
        ('"two words"', Word("two words")),
        (r'"a \" quote \\"', Word('a " quote \\')),
        ('name:"my run"', Term("name", ":", "my run")),
        ("input:/data/x=1:2.faa", Term("input", ":", "/data/x=1:2.faa")),
        ("speedup<=1.8", Term("speedup", "<=", "1.8")),
        ("speedup>=-1e-3", Term("speedup", ">=", "-1e-3")),
        ('tag."two words":x', Term("tag", ":", "x", "two words")),
        ("metric.M2.min<0.99", Term("metric", "<", "0.99", "M2.min")),
        ("metric.candidate.tokens_per_s@long>5", Term("metric", ">", "5", "candidate.tokens_per_s", "long")),
        ("verdict:fail", Term("verdict", ":", "fail")),
        ("(a)(b)", And((Word("a"), Word("b")))),
    ],
)
def test_a_query_is_read_as_a_tree(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "character", "named"),
    [
        ("speedupp<1.8", 1, "'speedup'"),
        ("a SPEED:PASS", 3, "'speed'"),
        ("zzz:1", 1, "model, input"),
        ("speedup:fast", 9, "'fast'"),
        ("speedup<nan", 9, "'nan'"),
        ("speedup<inf", 9, "'inf'"),
        ("speedup<1e999", 9, "'1e999'"),
        ("speedup<1_0", 9, "'1_0'"),
        ("speedup<", 9, "'speedup<'"),
        ("speedup< 1", 9, "'speedup<'"),
        ("model<3", 6, "'<'"),
        ("status:complete", 8, "'completed'"),
        ("since:yesterday", 7, "7d"),
        ("since>7d", 6, "'>'"),
        ("tag:x", 1, "tag.KEY:VALUE"),
        ('tag."":x', 1, "tag.KEY:VALUE"),
        ("speedup.x<1", 1, "key"),
        ("speedup@long<1", 1, "metric.NAME"),
        ('"open', 1, "quote"),
        ('name:"open', 6, "quote"),
        ('a"b"', 2, "'\"'"),
        ('"a"b', 4, "'b'"),
        ("<5", 1, "'<'"),
        ("(a", 3, "character 1"),
        ("a)", 2, "')'"),
        ("()", 2, ")"),
        ("NOT", 4, "the end"),
        ("a OR", 5, "the end"),
        ("OR a", 1, "OR"),
        ("a AND AND b", 7, "AND"),
        ("(" * 100 + "a", MAX_DEPTH + 2, str(MAX_DEPTH)),
        ("NOT " * 100 + "a", 4 * (MAX_DEPTH + 1) + 1, str(MAX_DEPTH)),
    ],
)
def test_an_error_names_its_position_and_what_was_got_or_expected(text, character, named):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert f"character {character}: " in str(caught.value)
    assert named in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "named"), [("a " * (MAX_TERMS + 1), MAX_TERMS), ("a" * (MAX_LENGTH + 1), MAX_LENGTH), ("\udcff", "text")]
)
def test_a_query_beyond_the_limits_is_refused(text, named):
    with pytest.raises(UsageError, match=str(named)):
        parse(text)


texts = st.text(max_size=12)
some = st.text(min_size=1, max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False).map(repr)
scopes = st.sampled_from(["", "short", "layer-3"])


@st.composite
def terms(draw):
    field = draw(st.sampled_from(FIELDS))
    operator = draw(st.sampled_from(OPERATORS[field.kind]))
    if field.choices:
        return Term(field.name, operator, draw(st.sampled_from(field.choices)))
    values = {
        "number": numbers,
        "metric": numbers,
        "time": st.sampled_from(["7d", "90m", "2026-11-01", "2026-11-01T10:00+02:00"]),
    }
    value = draw(values.get(field.kind, texts))
    if field.kind == "metric":
        return Term("metric", operator, value, draw(some), draw(scopes))
    return Term(field.name, operator, value, draw(some) if field.kind == "tag" else "")


trees = st.recursive(
    terms() | st.builds(Word, texts),
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=2, max_size=4).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=4).map(tuple))
    ),
    max_leaves=8,
)


@given(trees)
def test_a_tree_written_as_text_is_read_as_the_same_tree(tree):
    assert parse(str(tree)) == tree


letters = st.sampled_from(
    [*'()"\\<>=:.@- ', "NOT", "OR", "AND", "speedup", "tag.", "metric.", "a", "7d", "1.5", "\udc80", "\0"]
)


@given(st.text() | st.lists(letters).map("".join))
@example("speedup<")
@example('metric."a"@<1')
def test_no_text_at_all_makes_another_error_than_a_usage_error(text):
    try:
        tree = parse(text)
    except UsageError:
        return
    assert tree is None or parse(str(tree)) == tree


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("speedup", (Term("speedup", "=", ""), False)),
        ("-speedup", (Term("speedup", "=", ""), True)),
        ("-metric.M1.min@short", (Term("metric", "=", "", "M1.min", "short"), True)),
        ("tag.gpu", (Term("tag", "=", "", "gpu"), False)),
    ],
)
def test_runs_are_sorted_by_any_field(text, by):
    assert parse_order(text) == by


@pytest.mark.parametrize("text", ["", "-", "speedupp", "speedup<1", "a b", "--speedup", "tag", "metric.", "\udcff"])
def test_what_is_no_field_cannot_be_sorted_by(text):
    with pytest.raises(UsageError):
        parse_order(text)


@given(st.text())
def test_sorting_by_anything_is_a_field_or_a_usage_error(text):
    try:
        by, _ = parse_order(text)
    except UsageError:
        return
    assert by.field in BY_NAME


def test_ages_count_back_from_now_and_dates_are_utc():
    now_us = 100 * DAY_US
    assert moment_us("7d", now_us) == 93 * DAY_US
    assert moment_us("2w", now_us) == 86 * DAY_US
    assert moment_us("90m", now_us) == now_us - 90 * 60_000_000
    assert moment_us("1970-01-02", now_us) == DAY_US
    assert moment_us("1970-01-02T02:00:00+02:00", now_us) == DAY_US
    for wrong in ("7", "7y", "-7d", "d", "tomorrow", "1970-13-01", "9999999d", ""):
        assert moment_us(wrong, now_us) is None


@given(st.text() | numbers)
def test_a_number_is_finite_or_no_number(text):
    value = number(text)
    assert value is None or (abs(value) <= 1.7976931348623157e308 and value == float(text))


def test_every_field_says_what_it_is():
    assert len(BY_NAME) == len(FIELDS)
    assert all(field.what and field.column for field in FIELDS)
