"""Tables: a pandas DataFrame where pandas is installed, else a list with a dict a row."""

import csv
import html
import io


def from_rows(rows):
    """Rows with equal keys."""
    rows = list(rows)
    try:
        import pandas
    except ImportError:
        return rows
    return pandas.DataFrame(rows)


def from_csv(text):
    """A CSV of bondsim; cells that are numbers become numbers.

    >>> rows_of(from_csv("a,b\\n1,x\\n2,y\\n"))
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    """
    return from_rows({k: _value(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(text)))


def rows_of(table):
    """The rows of a table of either kind, of a DataFrame, or of any list of dicts."""
    if hasattr(table, "to_dict"):
        return [{k: v.item() if hasattr(v, "item") else v for k, v in row.items()} for row in table.astype(object).to_dict("records")]
    return [dict(row) for row in table]


def to_csv(table):
    """The text of a CSV; None and not-a-number become empty cells."""
    rows = rows_of(table)
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: "" if v is None or v != v else v for k, v in row.items()} for row in rows)
    return out.getvalue()


def to_html(rows, title=""):
    """A small table for a notebook; every cell is text."""
    rows = rows_of(rows)
    cell = lambda tag, value: f"<{tag}>{html.escape(f'{value:.6g}' if isinstance(value, float) else str(value))}</{tag}>"
    head = "".join(cell("th", k) for k in rows[0]) if rows else ""
    body = "".join("<tr>" + "".join(cell("td", v) for v in row.values()) + "</tr>" for row in rows)
    return f"<p><b>{html.escape(title)}</b></p><table><tr>{head}</tr>{body}</table>"


def _value(text):
    for kind in (int, float):
        try:
            return kind(text)
        except (TypeError, ValueError):
            pass
    return text
