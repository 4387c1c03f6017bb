"""Reads a Parquet file and an Arrow file as their users do, and prints the rows of both as JSON."""
import json
import sys
import tempfile

import datasets
import pyarrow
import pyarrow.parquet

asked = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as cache:
    read = {
        kind: list(
            datasets.load_dataset(kind, data_files=asked[kind], cache_dir=cache, split="train")
        )
        for kind in ("parquet", "arrow")
    }
with pyarrow.OSFile(asked["arrow"]) as file:
    table = pyarrow.ipc.open_stream(file).read_all()
table.validate(full=True)
read["plain_arrow"] = table.to_pylist()
read["plain_parquet"] = pyarrow.parquet.read_table(asked["parquet"]).to_pylist()
print(json.dumps(read))
