"""Tables of plain texts in Markdown."""

from collections.abc import Iterable, Sequence


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: int = 0) -> str:
    """A table whose last `numeric` columns are aligned to the right."""
    marks = ["---"] * (len(heads) - numeric) + ["---:"] * numeric
    lines = (heads, marks, *([inline(text) for text in row] for row in rows))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def inline(text: str) -> str:
    """One line, its bars escaped."""
    return text.replace("|", "\\|").replace("\n", " ")
