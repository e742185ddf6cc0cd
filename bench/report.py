"""The rows as a table: in the terminal, in bench/results.md, and between two marks of the README.

python -m bench.report      writes both pages again from results.json
"""

from collections.abc import Sequence

from bench.rows import REPO, Row, cells, known, spread, verdict

HEADER = ("WHAT", "OURS", "BESIDE IT", "RATIO", "TARGET")
PAGE = REPO / "bench" / "results.md"
README = REPO / "README.md"
BEGIN, END = "<!-- figures: from bench/results.json by python -m bench.report -->", "<!-- /figures -->"


def table(rows: Sequence[Row]) -> str:
    """Aligned, for a terminal."""
    lines = [HEADER, *(cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def page(rows: Sequence[Row]) -> str:
    made = [
        "# Figures",
        "",
        "Written by `make bench`; every figure was measured. Ours and what stands beside it were measured in one run, "
        "in turns; the figure is the median, the range is that of the runs.",
        "",
        "| what | ours | beside it | ratio | target | how | commit, date |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        how = f"{row.how} `{row.command}`" if row.how else f"`{row.command}`"
        made.append(f"| {' | '.join(cells(row))} | {how} | {row.commit}, {row.date} |")
    machines = dict.fromkeys(row.machine for row in rows if row.machine)
    return "\n".join([*made, "", "Machine: " + "; ".join(machines), ""])


def readme_table(rows: Sequence[Row]) -> str:
    """What a reader of the README wants: the figure, what it stands beside, the command."""
    made = ["| what | figure | beside it | command |", "|---|---|---|---|"]
    for row in rows:
        if row.skipped:
            continue
        ratio = f" ({row.ratio:.2f} of it)" if row.ratio is not None else ""
        beside = f"{row.against}: {spread(row.beside)}{ratio}" if row.beside else row.against
        missed = f"; aim {row.target}, missed" if verdict(row) == "MISSED" else ""
        made.append(f"| {row.what} | {spread(row.runs)} {row.unit} | {beside}{missed} | `{row.command}` |")
    return "\n".join(made)


def write_page() -> None:
    PAGE.write_text(page(list(known().values())))


def with_figures(text: str, rows: Sequence[Row]) -> str:
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{readme_table(rows)}\n{END}{tail}"


def main() -> None:
    rows = list(known().values())
    write_page()
    README.write_text(with_figures(README.read_text(), rows))


if __name__ == "__main__":
    main()
