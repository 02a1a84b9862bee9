"""The picture of docs/performance.md: a group of bars for each load, a bar for each server, as an SVG."""
from xml.sax.saxutils import escape

LOADS = {"waiting": "1 session", "in-flight-16": "16 in flight", "in-flight-64": "64 in flight", "sessions-16": "16 sessions",
         "sessions-16x16": "16 × 16", "sessions-200": "200 sessions"}
COLOURS = ("#1b6ca8", "#e08e45", "#6aa84f", "#a64d79", "#888888", "#444444")
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 900, 420, 60, 50, 40


def _text(x, y, words, anchor="middle", size=12):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'font-family="sans-serif" fill="#222">{escape(words)}</text>')


def _bar(x, y, width, height, colour, title):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">'
            f"<title>{escape(title)}</title></rect>")


def _step(most):
    """The round distance of the lines with which there are five to twelve."""
    magnitude = 1
    while True:
        for step in (magnitude, 2 * magnitude, 5 * magnitude):
            if most / step <= 12:
                return step
        magnitude *= 10


def picture(results):
    loads = [load for load in LOADS if results.of(load)]
    whos = list(dict.fromkeys(who for load in loads for who in results.who(load)))
    most = max((results.median(load, who) or 0 for load in loads for who in whos), default=1) or 1
    floor = HEIGHT - BOTTOM
    scale = (floor - TOP) / most
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             _text(LEFT, 18, "Directories a second over TLS on tmpfs, median", "start", 14)]
    parts += _lines(most, floor, scale)
    group = (WIDTH - LEFT - 10) / max(1, len(loads))
    width = group * 0.8 / max(1, len(whos))
    for i, load in enumerate(loads):
        left = LEFT + i * group + group * 0.1
        parts.append(_text(left + group * 0.4, floor + 18, LOADS[load]))
        for j, who in enumerate(whos):
            value = results.median(load, who) or 0
            parts.append(_bar(left + j * width, floor - value * scale, width * 0.9, value * scale,
                              COLOURS[j % len(COLOURS)], f"{who}, {LOADS[load]}: {value:,.0f}"))
    parts += _legend(whos)
    return "\n".join([*parts, "</svg>", ""])


def _lines(most, floor, scale):
    step = _step(most)
    for number in range(int(most / step) + 1):
        y = floor - number * step * scale
        yield f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield _text(LEFT - 6, y + 4, f"{number * step:,.0f}", "end", 11)


def _legend(whos):
    for i, who in enumerate(whos):
        x = LEFT + i * 120
        yield _bar(x, 28, 12, 12, COLOURS[i % len(COLOURS)], who)
        yield _text(x + 17, 38, who, "start")
