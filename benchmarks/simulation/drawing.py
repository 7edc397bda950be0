import re
from io import StringIO
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

TOO_EXACT = re.compile(r"(\d+\.\d\d)\d+")


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, rounded to a hundredth of a point and reproducible."""
    drawn = StringIO()
    with mpl.rc_context({"svg.hashsalt": "embedding-operator", "svg.fonttype": "none"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    path.write_text(TOO_EXACT.sub(r"\1", drawn.getvalue()), encoding="utf-8")
