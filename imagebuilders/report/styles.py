"""How the page of a build looks: on wide and narrow screens, light and dark, and on paper."""

STYLES = """
:root {
  color-scheme: light dark;
  --page: #f7f7f5; --card: #ffffff; --text: #1c1e21; --faint: #5d636b; --line: #dcdfe3;
  --done: #2f6fde; --cached: #8a929c; --failed: #c62b2b; --warn: #8a5a00; --good: #1b7f46;
  --code: #f1f2f4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14161a; --card: #1d2026; --text: #e7e9ec; --faint: #a1a8b2; --line: #353a43;
    --done: #6aa0ff; --cached: #7d8794; --failed: #ff7b72; --warn: #e3b341; --good: #56d38a;
    --code: #14161a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 76rem; background: var(--page);
  color: var(--text); font: 15px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 2rem 0 .6rem; }
code, pre, .mono { font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
a { color: inherit; text-decoration-color: var(--faint); }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--done); outline-offset: 2px; }
.build + .build { margin-top: 3rem; border-top: 2px solid var(--line); padding-top: 1.5rem; }
.state { font-weight: 600; }
.state.done { color: var(--good); } .state.failed { color: var(--failed); }
.state.cached, .state.stopped { color: var(--faint); }
.faint { color: var(--faint); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem;
  margin: 1rem 0; padding: 0; }
.facts div, .card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.facts div { padding: .5rem .8rem; }
.facts dt { color: var(--faint); font-size: .8rem; }
.facts dd { margin: 0; font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.card { padding: .8rem; }
.digest { overflow-wrap: anywhere; }
.failure { border-left: 4px solid var(--failed); }
.failure pre { margin: .3rem 0 0; background: none; padding: 0; }
pre { margin: 0; padding: .6rem .8rem; background: var(--code); border-radius: 6px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
ol, ul { list-style: none; margin: 0; padding: 0; }
.timeline li { display: grid; grid-template-columns: minmax(10rem, 34%) 1fr 4.5rem; gap: .75rem;
  align-items: center; padding: .12rem 0; }
.timeline .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.timeline a { text-decoration: none; } .timeline a:hover { text-decoration: underline; }
.track { position: relative; height: 1rem; background: linear-gradient(to right,
  var(--line) 1px, transparent 1px) 0 0 / 25% 100%; border-right: 1px solid var(--line); }
.bar { position: absolute; top: .15rem; bottom: .15rem; min-width: 3px; border-radius: 3px;
  background: var(--done); }
.cached .bar { background: var(--cached); }
.failed .bar { background: var(--failed); }
.stopped .bar { background: none; border: 1px dashed var(--faint); }
.seconds { text-align: right; font-variant-numeric: tabular-nums; font-size: .85rem;
  white-space: nowrap; }
.axis { display: grid; grid-template-columns: minmax(10rem, 34%) 1fr 4.5rem; gap: .75rem; }
.axis div { grid-column: 2; display: flex; justify-content: space-between; font-size: .75rem;
  color: var(--faint); font-variant-numeric: tabular-nums; }
details { border-top: 1px solid var(--line); }
details:first-of-type { border-top: 0; }
summary { padding: .45rem 0; cursor: pointer; overflow-wrap: anywhere; }
.step-body { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: .75rem;
  padding: 0 0 .8rem; }
.step-body > .only { grid-column: 1 / -1; }
.source { border-left: 3px solid var(--done); }
.number { color: var(--faint); user-select: none; display: inline-block; min-width: 2.2em;
  padding-right: .8em; text-align: right; }
.why { margin: 0 0 .5rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .3rem .6rem .3rem 0; vertical-align: top;
  border-top: 1px solid var(--line); }
tr:first-child > td { border-top: 0; }
.size { white-space: nowrap; text-align: right; font-variant-numeric: tabular-nums; width: 6rem; }
.share { width: 22%; min-width: 4rem; padding-top: .65rem; }
.share span { display: block; height: .5rem; border-radius: 3px; background: var(--done);
  min-width: 2px; }
.made { overflow-wrap: anywhere; }
.files { margin-top: .2rem; font-size: .85rem; color: var(--faint); }
.files li { display: flex; gap: .75rem; }
.files .size { flex: none; width: 5rem; }
.warnings li { padding: .35rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.warnings li:first-child { border-top: 0; }
.warning { color: var(--warn); font-weight: 600; }
footer { margin-top: 2.5rem; color: var(--faint); font-size: .8rem; }
@media (max-width: 40rem) {
  body { padding: 1rem .75rem 2rem; }
  .timeline li { grid-template-columns: 1fr 4rem; gap: 0 .5rem; padding: .3rem 0; }
  .timeline .name { grid-column: 1; } .timeline .seconds { grid-row: 1; grid-column: 2; }
  .timeline .track { grid-column: 1 / -1; }
  .axis { grid-template-columns: 1fr; } .axis div { grid-column: 1; }
  .step-body { grid-template-columns: minmax(0, 1fr); }
  .share { display: none; }
}
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --text: #000; --faint: #444;
    --line: #bbb; --done: #2f6fde; --cached: #8a929c; --failed: #b00020; --warn: #6b4500;
    --good: #0b5c2e; --code: #f4f4f4; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .bar, .share span, .track { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  .timeline li, tr, .facts div { break-inside: avoid; }
  h2, summary { break-after: avoid; }
}
"""
