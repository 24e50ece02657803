"""The page of a build: one HTML file that needs nothing else, neither scripts nor a network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from html import escape

from imagebuilders.humanize import counted, duration, size
from imagebuilders.report.model import BuildReport, ReportedLayer, ReportedStep, StepState
from imagebuilders.report.styles import STYLES
from imagebuilders.version import VERSION

_WORDS: dict[StepState, str] = {
    "done": "done",
    "cached": "cached",
    "failed": "failed",
    "stopped": "stopped",
}
_MARKS: dict[StepState, str] = {"done": "✓", "cached": "●", "failed": "✗", "stopped": "◌"}
_TICKS = 4
_FLAGS = re.compile(r"(?<= )--(?!from=)\S+ +")


def render_page(reports: Sequence[BuildReport]) -> str:
    """Return the page of one build, or of several.

    No request leaves it: what it shows is in it, and its own policy allows nothing else.

    Args:
        reports: what is told of each build.
    """
    title = ", ".join(report.image_name or report.build or "an image" for report in reports)
    body = "\n".join(_build(number, report) for number, report in enumerate(reports))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Build of {escape(title)}</title>
<style>{STYLES}</style>
</head>
<body>
{body}
<footer>Written by imagebuilders {VERSION}.</footer>
</body>
</html>
"""


def _build(number: int, report: BuildReport) -> str:
    parts = [
        _head(report),
        _facts(report),
        _failure(report),
        _timeline(number, report),
        _warnings(report),
        _layers(report),
        _transfers(report),
        _steps(number, report),
    ]
    return f'<main class="build">\n{"".join(filter(None, parts))}</main>'


def _head(report: BuildReport) -> str:
    name = report.image_name or "Image without a name"
    shown = f"{report.build}: {name}" if report.build else name
    state, word = ("failed", "✗ failed") if report.error else ("done", "✓ built")
    moment = datetime.fromtimestamp(report.began, timezone.utc)
    by = f" with {escape(report.engine)}" if report.engine else ""
    digest = (
        f'<div class="mono faint digest">{escape(report.digest)}</div>' if report.digest else ""
    )
    return (
        f"<h1>{escape(shown)}</h1>\n"
        f'<div><span class="state {state}">{word}</span>{by}, '
        f"{moment:%Y-%m-%d %H:%M:%S} UTC</div>\n{digest}\n"
    )


def _facts(report: BuildReport) -> str:
    steps = len(report.counted_steps)
    facts = [("time", duration(report.seconds)), ("steps", str(steps))]
    facts.append(("cached", f"{report.count('cached')} of {steps}"))
    if report.size is not None:
        facts.append(("image", size(report.size)))
    sent = sum(each.size for each in report.transfers if each.name.endswith(("sent", "uploaded")))
    facts.append(("context sent", size(sent)))
    if report.warnings:
        facts.append(("warnings", str(len(report.warnings))))
    cells = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f'<dl class="facts">{cells}</dl>\n'


def _failure(report: BuildReport) -> str:
    text = ""
    if report.error:
        text += (
            '<section class="card failure"><span class="state failed">Why it failed</span>'
            f"<pre>{escape(report.error)}</pre></section>\n"
        )
    if report.first_miss:
        text += (
            f'<p><span class="faint">First step that was not cached:</span> '
            f"{escape(report.first_miss)}</p>\n"
        )
    return text


def _timeline(number: int, report: BuildReport) -> str:
    if not report.steps:
        return ""
    whole = max(report.seconds, 0.001)
    rows = "\n".join(
        _row(f"b{number}-s{place}", step, whole) for place, step in enumerate(report.steps)
    )
    ticks = "".join(f"<span>{duration(whole * each / _TICKS)}</span>" for each in range(_TICKS + 1))
    return (
        '<h2>Timeline</h2>\n<section class="card">\n'
        f'<ol class="timeline">\n{rows}\n</ol>\n<div class="axis"><div>{ticks}</div></div>\n'
        "</section>\n"
    )


def _row(anchor: str, step: ReportedStep, whole: float) -> str:
    bars = "".join(
        f'<span class="bar" style="left:{_percent(begin, whole)}%;'
        f'width:{_percent(end - begin, whole)}%"></span>'
        for begin, end in step.intervals
    )
    time = _WORDS["cached"] if step.state == "cached" else duration(step.seconds)
    name = _FLAGS.sub("", step.title)  # what several steps have in common says little in a line
    return (
        f'<li class="{step.state}"><a class="name" href="#{anchor}" title="{escape(step.title)}">'
        f'<span class="state {step.state}">{_MARKS[step.state]}</span> {escape(name)}</a>'
        f'<span class="track">{bars}</span><span class="seconds">{time}</span></li>'
    )


def _percent(seconds: float, whole: float) -> str:
    return f"{min(100.0, max(0.0, 100 * seconds / whole)):.2f}"


def _warnings(report: BuildReport) -> str:
    if not report.warnings:
        return ""
    rows = []
    for warning in report.warnings:
        is_told = not warning.line or f"line {warning.line}" in warning.message
        line = "" if is_told else f"line {warning.line}: "
        more = ""
        if warning.url.startswith(("https://", "http://")):
            more = f' <a rel="noreferrer" href="{escape(warning.url)}">{escape(warning.url)}</a>'
        text = escape(line + warning.message)
        rows.append(f'<li><span class="warning">!</span> {text}{more}</li>')
    return f'<h2>Warnings</h2>\n<ul class="card warnings">{"".join(rows)}</ul>\n'


def _layers(report: BuildReport) -> str:
    if not report.layers:
        return ""
    largest = max([layer.size or 0 for layer in report.layers]) or 1
    rows = "\n".join(_layer(layer, largest) for layer in report.layers)
    return f'<h2>Layers</h2>\n<section class="card"><table>\n{rows}\n</table></section>\n'


def _layer(layer: ReportedLayer, largest: int) -> str:
    files = "".join(
        f'<li><span class="size">{size(file.size)}</span><span class="mono made">'
        f"{escape(file.path)}</span></li>"
        for file in layer.files
    )
    listed = f'<ul class="files">{files}</ul>' if files else ""
    shown = "?" if layer.size is None else size(layer.size)
    share = _percent(layer.size or 0, largest)
    return (
        f'<tr><td class="size">{shown}</td>'
        f'<td class="share"><span style="width:{share}%"></span></td>'
        f'<td class="made"><code>{escape(layer.created_by) or escape(layer.digest)}</code>'
        f"{listed}</td></tr>"
    )


def _transfers(report: BuildReport) -> str:
    if not report.transfers:
        return ""
    rows = "".join(
        f'<tr><td class="size">{size(each.size)}</td><td class="made">{escape(each.name)}</td></tr>'
        for each in report.transfers
    )
    return f'<h2>Sent and fetched</h2>\n<section class="card"><table>{rows}</table></section>\n'


def _steps(number: int, report: BuildReport) -> str:
    if not report.steps:
        return ""
    parts = "\n".join(_step(f"b{number}-s{place}", step) for place, step in enumerate(report.steps))
    count = counted(len(report.steps), "step")
    return f'<h2>Logs of {count}</h2>\n<section class="card">\n{parts}\n</section>\n'


def _step(anchor: str, step: ReportedStep) -> str:
    time = "" if step.state == "cached" else f" {duration(step.seconds)}"
    is_open = " open" if step.state == "failed" else ""
    return (
        f'<details{is_open}><summary><span class="state {step.state}">'
        f"{_MARKS[step.state]} {_WORDS[step.state]}</span> {escape(step.title)}"
        # Browsers open what a link leads into.
        f'<span class="faint">{time}</span></summary>\n<div id="{anchor}">'
        f"{''.join(_told(step))}</div></details>"
    )


def _told(step: ReportedStep) -> Iterator[str]:
    for why in step.misses:
        yield f'<p class="why faint">Not cached: {escape(why)}</p>'
    source = "\n".join(
        f'<span class="number">{line.number}</span>{escape(line.text)}' for line in step.source
    )
    log = "\n".join(step.output)
    if step.left_out:
        log = f"({counted(step.left_out, 'line')} before these left out)\n{log}"
    if step.error and step.error not in log:
        log = f"{log}\n{step.error}".lstrip("\n")
    only = "" if source and log else " only"
    yield '<div class="step-body">'
    if source:
        yield f'<pre class="source{only}">{source}</pre>'
    if log:
        yield f'<pre class="log{only}">{escape(log)}</pre>'
    if not source and not log:
        yield '<p class="faint only">It printed nothing.</p>'
    yield "</div>"
