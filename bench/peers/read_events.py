"""Prints what TensorBoard finds in a folder of event files: {tag: [[wall time, step, value], …]}."""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
tags = {kind: found for kind, found in events.Tags().items() if found}
if set(tags) != {"scalars"}:
    sys.exit(f"expected scalars only, found {tags}")
found = {
    tag: [[event.wall_time, event.step, event.value] for event in events.Scalars(tag)] for tag in tags["scalars"]
}
json.dump(found, sys.stdout)
