import pytest

from datapath.p4c.lexer import parse_int, parse_string, tokenize
from datapath.p4c.source import CompileError, Diagnostics


def kinds(text: str) -> list[str]:
    diagnostics = Diagnostics()
    tokens = tokenize(text, "t", diagnostics)
    diagnostics.check()
    return [t.kind if t.kind not in ("id", "number", "str") else t.text for t in tokens]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", (0, None, False)),
        ("1_000", (1000, None, False)),
        ("0x_F_F", (255, None, False)),
        ("0XaB", (0xAB, None, False)),
        ("0b1_0", (2, None, False)),
        ("0B11", (3, None, False)),
        ("0o17", (15, None, False)),
        ("0O7", (7, None, False)),
        ("0d19", (19, None, False)),
        ("017", (17, None, False)),
        ("8w0xFF", (255, 8, False)),
        ("4s3", (3, 4, True)),
        ("16w0b1", (1, 16, False)),
        ("128w0xffff_ffff_ffff_ffff_ffff", (2**80 - 1, 128, False)),
        ("0w0", (0, 0, False)),
    ],
)
def test_integer(text: str, value: tuple[int, int | None, bool]) -> None:
    assert parse_int(text) == value


@pytest.mark.parametrize("text", ["0x", "0b2", "0o8", "1x", "8w", "8q3", "w8", "0x_", "9" * 5000, "9999999999w1"])
def test_what_is_no_integer(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|width"):
        parse_int(text)


def test_longest_punctuation_wins() -> None:
    assert kinds("a&&&b&&c&d") == ["a", "&&&", "b", "&&", "c", "&", "d"]
    assert kinds("|+|= |+| |-|= |-| || |=") == ["|+|=", "|+|", "|-|=", "|-|", "||", "|="]
    assert kinds("a...b..c.d") == ["a", "...", "b", "..", "c", ".", "d"]
    assert kinds("<<= << <= < ++ += + +:") == ["<<=", "<<", "<=", "<", "++", "+=", "+", "+:"]
    assert kinds("{#} 1..2") == ["{#}", "1", "..", "2"]


def test_greater_is_never_joined_but_knows_its_neighbour() -> None:
    tokens = tokenize("a >> b > > c >>= d", "t", Diagnostics())
    assert [(t.kind, t.glued) for t in tokens if t.text[0] == ">"] == [
        (">", False), (">", True), (">", False), (">", False), (">", False), (">=", True),
    ]  # fmt: skip


def test_keywords_and_names() -> None:
    assert kinds("apply applyx _ _a") == ["apply", "applyx", "_", "_a"]
    assert [t.kind for t in tokenize("bit key xbit", "t", Diagnostics())] == ["bit", "key", "id"]


def test_strings() -> None:
    assert parse_string(r'"a\"b\\c\n\q"') == 'a"b\\c\n\\q'
    assert kinds('"a b" "//x"') == ['"a b"', '"//x"']


def test_positions_and_lines() -> None:
    tokens = tokenize("a\n  b\n\n\tc d", "t", Diagnostics())
    assert [(t.text, t.line, t.col) for t in tokens] == [("a", 1, 1), ("b", 2, 3), ("c", 4, 2), ("d", 4, 4)]


def test_part_of_a_text_keeps_its_lines() -> None:
    text = "a\nb\nc\nd"
    tokens = tokenize(text, "t", Diagnostics(), None, 2, 6)
    assert [(t.text, t.line) for t in tokens] == [("b", 2), ("c", 3)]


def test_a_strange_character_is_reported_and_left_out() -> None:
    diagnostics = Diagnostics(lines={"t": ["a $ b ` c"]})
    assert [t.text for t in tokenize("a $ b ` c", "t", diagnostics)] == ["a", "b", "c"]
    assert [(m.pos.col, m.text) for m in diagnostics.messages] == [
        (3, "unexpected character '$'"),
        (7, "unexpected character '`'"),
    ]


def test_an_open_string_ends_with_its_line() -> None:
    diagnostics = Diagnostics()
    assert [t.text for t in tokenize('a "b c\nd', "t", diagnostics)] == ["a", "d"]
    assert diagnostics.messages[0].text == "the string is not closed on its line"


def test_a_token_has_a_limit() -> None:
    with pytest.raises(CompileError, match="the limit is 65536"):
        tokenize("a" * 70_000, "t", Diagnostics())
