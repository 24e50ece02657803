"""The built documentation, served on this machine, and what is asked of each page in a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WIDER_THAN_THE_PAGE = """\
() => {
  const room = document.documentElement.clientWidth;
  const scrolls = (each) => {
    for (let up = each; up; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (["auto", "scroll", "hidden"].includes(style.overflowX) || style.position === "fixed") {
        return true;
      }
    }
    return false;
  };
  const found = [...document.querySelectorAll("body *")].filter((each) => {
    const box = each.getBoundingClientRect();
    return box.width > 0 && box.right > room + 1 && !scrolls(each);
  }).map((each) => `${each.tagName}.${each.className}: ${each.innerText?.slice(0, 60)}`);
  if (document.documentElement.scrollWidth > room) {
    found.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${room}`);
  }
  return found;
}
"""
"""A script that returns what is cut off or makes the page scroll sideways."""
OVERLAPPING = """\
() => {
  const parts = [...document.querySelectorAll(
    "article h1, article h2, article h3, article p, article pre, article img, article li, " +
    "article td, article th, article dt, article .sd-card, footer a"
  )].filter((each) => {
    return each.getClientRects().length && getComputedStyle(each).visibility !== "hidden";
  });
  const boxes = parts.map((each) => {
    const clips = each.closest(".table-wrapper, pre");
    const box = each.getBoundingClientRect();
    if (!clips) { return box; }
    const room = clips.getBoundingClientRect();
    return {
      left: Math.max(box.left, room.left), right: Math.min(box.right, room.right),
      top: Math.max(box.top, room.top), bottom: Math.min(box.bottom, room.bottom),
    };
  });
  const found = [];
  const order = parts.map((_, place) => place).sort((a, b) => boxes[a].top - boxes[b].top);
  order.forEach((first, place) => {
    for (const second of order.slice(place + 1)) {
      const [a, b] = [boxes[first], boxes[second]];
      if (b.top >= a.bottom - 2) { break; }
      const [one, other] = [parts[first], parts[second]];
      if (one.contains(other) || other.contains(one)) { continue; }
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > 2) {
        const name = (each) => `${each.tagName} ${(each.innerText || each.alt || "").slice(0, 50)}`;
        found.push(`${name(one)} / ${name(other)}`);
      }
    }
  });
  return found;
}
"""
"""A script that returns pairs of parts of the page that lie upon each other."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Write nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
