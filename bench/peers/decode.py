"""Continues random prompts greedily with transformers' generate, bf16, all cores.

Takes the options of `tunesmith bench decode` and prints the same figures as one JSON line.
"""
import argparse
import json
import os
import time

import torch
from transformers import AutoModelForCausalLM

options = argparse.ArgumentParser()
options.add_argument("--model", required=True)
options.add_argument("--prompt", type=int, default=128)
options.add_argument("--new", type=int, default=64)
options.add_argument("--batch", type=int, default=1)
asked = options.parse_args()

torch.manual_seed(0)
torch.set_num_threads(len(os.sched_getaffinity(0)))
model = AutoModelForCausalLM.from_pretrained(asked.model, dtype=torch.bfloat16).eval()
words = min(8000, model.config.vocab_size)
ids = torch.randint(3, words, (asked.batch, asked.prompt))
mask = torch.ones_like(ids)


def generate(fresh):
    start = time.perf_counter()
    model.generate(
        ids,
        attention_mask=mask,
        max_new_tokens=fresh,
        min_new_tokens=fresh,
        do_sample=False,
        pad_token_id=0,
        eos_token_id=None,
    )
    return time.perf_counter() - start


with torch.no_grad():
    generate(16)
    prefill = generate(1)
    whole = generate(asked.new)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
decode = whole - prefill
print(
    json.dumps(
        {
            "prefill_tokens_per_second": round(asked.batch * asked.prompt / prefill, 1),
            "decode_tokens_per_second": round(asked.batch * (asked.new - 1) / decode, 2),
            "peak_rss_gib": round(peak / 2**20, 3),
        }
    )
)
