"""Record the events of a real build, for the picture of the live progress.

`python -m docs.pictures.record` builds on the Docker Engine found, which has to have the image
`busybox`, and pushes to the registry whose address is the argument. What it writes is checked in.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from imagebuilders import BuildContext, DefaultContainerRegistry, LocalImageBuilder
from imagebuilders.event_records import event_record
from imagebuilders.events import Event, listen

RECORD = Path(__file__).with_name("build.jsonl")
SHOWN_REGISTRY = "localhost:5000"
DOCKERFILE = """\
FROM busybox AS styles
COPY styles/ /styles/
RUN for n in 1 2 3 4 5 6; do echo "minified part $n of 6"; sleep 0.4; done && cp -r /styles /out

FROM busybox AS pages
COPY pages/ /pages/
RUN for n in 8 16 24 32 40; do echo "rendered $n of 40 pages"; sleep 0.7; done && cp -r /pages /out

FROM busybox
COPY --from=styles /out /srv/styles
COPY --from=pages /out /srv/pages
RUN echo "checked 812 links" && sleep 0.8
"""


def main(registry_address: str) -> None:
    """Build, push, and write the record."""
    context = BuildContext()
    context.add_file(DOCKERFILE, destination="Dockerfile")
    for number in range(40):
        context.add_file(f"<h1>{number}</h1>" * 20_000, destination=f"pages/{number}.html")
        context.add_file(f".c{number} {{}}\n" * 4_000, destination=f"styles/{number}.css")
    lines: list[str] = []

    def note(event: Event) -> None:
        record = event_record(event, time.time())
        if record is not None:
            lines.append(json.dumps(record))

    registry = DefaultContainerRegistry(uri=registry_address)
    with listen(note):
        LocalImageBuilder().build(
            f"{registry_address}/shop:1.4", context, {"nocache": True}, registry
        )
    registry.close()
    text = "\n".join(lines).replace(registry_address, SHOWN_REGISTRY)
    RECORD.write_text(text + "\n")
    print(f"wrote {len(lines)} events to {RECORD}")


if __name__ == "__main__":
    main(sys.argv[1])
