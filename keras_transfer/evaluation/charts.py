"""Charts as inline SVG, which any browser draws without a network."""

from collections.abc import Sequence

from keras_transfer.evaluation.page import escaped

_WIDTH, _HEIGHT = 360, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 14, 42
# Classes of the style sheet; distinguishable with red-green colour blindness.
_COLORS = 5

Points = Sequence[Sequence[float]]


def line_chart(
    series: dict[str, Points],
    x_label: str,
    y_label: str,
    *,
    diagonal: bool = False,
    unit_square: bool = True,
    dots: bool = False,
    lines: bool = True,
    bars: Sequence[Sequence[float]] = (),
    mark: float | None = None,
) -> str:
    """Returns a chart of several curves.

    Args:
        series: Points `(x, y)` of each curve, by its name.
        x_label: What is below it.
        y_label: What is beside it.
        diagonal: Whether y = x is drawn.
        unit_square: Whether both axes go from 0 to 1; otherwise they fit.
        dots: Whether points are marked.
        lines: Whether points are joined.
        bars: `(x, low, high)` of intervals.
        mark: Where a vertical line is drawn, or `None`.
    """
    points = [point for curve in series.values() for point in curve]
    x_range, y_range = (0.0, 1.0), (0.0, 1.0)
    if not unit_square:
        x_range = _range_of([p[0] for p in points])
        y_range = _range_of([p[1] for p in points])
        if diagonal:
            both = _range_of([value for p in points for value in p])
            x_range = y_range = both
    place = _placing(x_range, y_range)
    parts = [*_axes(x_range, y_range, place, x_label, y_label)]
    if diagonal:
        (x1, y1), (x2, y2) = (
            place(x_range[0], y_range[0]),
            place(x_range[1], y_range[1]),
        )
        parts.append(_line(x1, y1, x2, y2, "ideal"))
    if mark is not None:
        x, _ = place(mark, y_range[0])
        parts.append(_line(x, _TOP, x, _HEIGHT - _BOTTOM, "ideal"))
    for x, low, high in bars:
        (x1, y1), (_, y2) = place(x, low), place(x, high)
        parts.append(_line(x1, y1, x1, y2, "bar"))
    for number, curve in enumerate(series.values()):
        color = f"c{number % _COLORS}"
        placed = [place(*point) for point in curve]
        if lines:
            text = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
            parts.append(f'<polyline class="curve {color}" points="{text}"/>')
        if dots or len(placed) == 1:
            parts += [
                f'<circle class="dot {color}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
                for x, y in placed
            ]
    drawing = (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escaped(f"{y_label} by {x_label}")}">'
        f"{''.join(parts)}</svg>"
    )
    return drawing + _legend(series)


def _placing(x_range, y_range):
    width = _WIDTH - _LEFT - _RIGHT
    height = _HEIGHT - _TOP - _BOTTOM

    def place(x, y):
        across = (x - x_range[0]) / (x_range[1] - x_range[0])
        up = (y - y_range[0]) / (y_range[1] - y_range[0])
        return _LEFT + across * width, _HEIGHT - _BOTTOM - up * height

    return place


def _axes(x_range, y_range, place, x_label, y_label):
    for value in _ticks(*y_range):
        _, y = place(x_range[0], value)
        yield _line(_LEFT, y, _WIDTH - _RIGHT, y, "grid")
        yield _text(_LEFT - 6, y + 4, f"{value:g}", "end")
    for value in _ticks(*x_range):
        x, _ = place(value, y_range[0])
        yield _text(x, _HEIGHT - _BOTTOM + 17, f"{value:g}", "middle")
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield _text(middle, _HEIGHT - 6, x_label, "middle")
    up = (_TOP + _HEIGHT - _BOTTOM) / 2
    yield (
        f'<text x="12" y="{up:.1f}" text-anchor="middle" '
        f'transform="rotate(-90 12 {up:.1f})">{escaped(y_label)}</text>'
    )


def _ticks(low, high):
    """Five round numbers or so between two bounds."""
    step = 10.0 ** _floor_log((high - low) / 4)
    for factor in (1, 2, 5, 10):
        if (high - low) / (step * factor) <= 5.01:
            step *= factor
            break
    first = -int(-low // step)
    count = int((high - first * step) / step + 1e-6) + 1
    return [round((first + i) * step, 10) for i in range(max(count, 0))]


def _floor_log(value):
    import math

    return math.floor(math.log10(value)) if value > 0 else 0


def _range_of(values):
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = 0.04 * (high - low) or max(abs(high), 1.0) * 0.1
    return low - margin, high + margin


def _line(x1, y1, x2, y2, kind):
    return (
        f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" '
        f'y2="{y2:.1f}"/>'
    )


def _text(x, y, text, anchor):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escaped(text)}</text>"
    )


def _legend(series):
    if len(series) < 2:
        return ""
    items = "".join(
        f'<li><span class="key k{number % _COLORS}"></span>{escaped(name)}</li>'
        for number, name in enumerate(series)
    )
    return f'<ul class="legend">{items}</ul>'
